// Without a shell, which Windows has none of.
#include <iostream>
#include <stdexcept>
#include <utility>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "engine/container/utf16_windows.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/data.hpp"

namespace intvit::test {

namespace {

class Handle {
public:
  explicit Handle(HANDLE handle) : handle_(handle) {
    if (handle == nullptr || handle == INVALID_HANDLE_VALUE)
      throw std::runtime_error("a system call failed with error " + std::to_string(GetLastError()));
  }
  ~Handle() { CloseHandle(handle_); }
  Handle(const Handle &) = delete;
  Handle &operator=(const Handle &) = delete;
  HANDLE get() const { return handle_; }

private:
  HANDLE handle_;
};

// A file that the program inherits.
HANDLE stream(const std::string &path, DWORD access, DWORD creation) {
  SECURITY_ATTRIBUTES inherited = {sizeof inherited, nullptr, TRUE};
  return CreateFileW(utf16(path)->c_str(), access, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited, creation,
                     FILE_ATTRIBUTE_NORMAL, nullptr);
}

} // namespace

// As programs take their command line apart: backslashes count before quotation marks alone.
std::string quoted(const std::string &word) {
  std::string result = "\"";
  std::size_t backslashes = 0;
  for (const char c : word) {
    if (c == '"')
      result.append(backslashes + 1, '\\');
    backslashes = c == '\\' ? backslashes + 1 : 0;
    result += c;
  }
  return result.append(backslashes, '\\') + "\"";
}

Outcome run_program(const std::vector<std::string> &arguments, const std::string &input) {
  std::string command = quoted(INTVIT_PROGRAM);
  for (const std::string &argument : arguments)
    command += " " + quoted(argument);
  std::wstring text = utf16(command).value();
  const std::string in = temporary_file("stdin");
  const std::string out = temporary_file("stdout");
  const std::string err = temporary_file("stderr");
  write_text(in, input);
  DWORD code = 0;
  {
    const Handle input_file(stream(in, GENERIC_READ, OPEN_EXISTING));
    const Handle output_file(stream(out, GENERIC_WRITE, CREATE_ALWAYS));
    const Handle error_file(stream(err, GENERIC_WRITE, CREATE_ALWAYS));
    STARTUPINFOW start = {};
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = input_file.get();
    start.hStdOutput = output_file.get();
    start.hStdError = error_file.get();
    PROCESS_INFORMATION information = {};
    if (CreateProcessW(nullptr, text.data(), nullptr, nullptr, TRUE, 0, nullptr, nullptr, &start, &information) == 0)
      throw std::runtime_error(std::string(INTVIT_PROGRAM) + " cannot be run: error " + std::to_string(GetLastError()));
    const Handle process(information.hProcess);
    const Handle thread(information.hThread);
    WaitForSingleObject(process.get(), INFINITE);
    GetExitCodeProcess(process.get(), &code);
  }
  return {static_cast<int>(code), read_text(out), read_text(err)};
}

void set_environment(const std::string &name, const std::string &value) {
  SetEnvironmentVariableW(utf16(name)->c_str(), value.empty() ? nullptr : utf16(value)->c_str());
}

Outcome run_shell(const std::string &, const std::string &) {
  std::cout << "[skipped] needs a POSIX shell\n";
  throw std::runtime_error("there is no POSIX shell");
}

} // namespace intvit::test
