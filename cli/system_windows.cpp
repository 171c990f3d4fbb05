// What process.hpp asks of Windows.
#include "cli/process.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <io.h>

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <shellapi.h>

#include "engine/container/utf16_windows.hpp"

namespace intvit::cli {

namespace {

constexpr int standard_input = 0;
constexpr int standard_output = 1;
constexpr int standard_error = 2;

std::atomic<int> last_signal = 0;  // written by a thread of the system's own
std::atomic<bool> waiting = false; // for standard input

// The second time, and where nothing but waiting would be interrupted, the system does what it does by itself: it ends
// the process.
BOOL WINAPI remember_event(DWORD event) {
  if (last_signal != 0 || waiting || (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT))
    return FALSE;
  last_signal = event == CTRL_C_EVENT ? SIGINT : SIGTERM;
  return TRUE;
}

// Whether the stream is a console; its settings.
bool is_console(DWORD stream, DWORD &mode) {
  return GetConsoleMode(GetStdHandle(stream), &mode) != 0;
}

bool is_console(DWORD stream) {
  DWORD mode = 0;
  return is_console(stream, mode);
}

UINT code_page_before = 0;

// The console outlives the process, and with it what it is told.
void restore_code_page() {
  SetConsoleOutputCP(code_page_before);
}

void prepare_console() {
  for (const DWORD stream : {STD_OUTPUT_HANDLE, STD_ERROR_HANDLE})
    if (DWORD mode = 0; is_console(stream, mode)) // for a progress bar's escapes
      SetConsoleMode(GetStdHandle(stream), mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
  code_page_before = GetConsoleOutputCP();
  if (code_page_before != 0 && SetConsoleOutputCP(CP_UTF8) != 0)
    std::atexit(restore_code_page);
}

} // namespace

void prepare_process() {
  for (const int stream : {standard_input, standard_output, standard_error})
    ::_setmode(stream, _O_BINARY);
  prepare_console();
  SetConsoleCtrlHandler(remember_event, TRUE);
}

std::vector<std::string> program_arguments(int, char **) {
  std::vector<std::string> result;
  int count = 0;
  if (wchar_t **words = CommandLineToArgvW(GetCommandLineW(), &count)) {
    for (int i = 1; i < count; ++i)
      result.push_back(utf8(words[i]));
    LocalFree(words);
  }
  return result;
}

std::string environment_variable(const char *name) {
  const wchar_t *value = ::_wgetenv(utf16(name).value_or(L"").c_str());
  return value != nullptr ? utf8(value) : "";
}

std::string program_path() {
  std::wstring path(MAX_PATH, L'\0');
  for (;;) {
    const DWORD length = GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
    if (length < path.size()) {
      path.resize(length);
      return std::filesystem::path(path).generic_string();
    }
    path.resize(2 * path.size());
  }
}

bool output_is_terminal() {
  return is_console(STD_OUTPUT_HANDLE);
}

bool messages_are_terminal() {
  return is_console(STD_ERROR_HANDLE);
}

int received_signal() {
  return last_signal;
}

Result<std::vector<std::byte>> read_standard_input(std::size_t limit) {
  std::vector<std::byte> bytes;
  std::array<std::byte, 1 << 16> piece;
  for (;;) {
    stop_if_interrupted();
    waiting = true;
    const int count = ::_read(standard_input, piece.data(), static_cast<unsigned>(piece.size()));
    waiting = false;
    if (count < 0)
      return Status(StatusCode::io, "standard input: cannot read: " + std::generic_category().message(errno));
    if (count == 0)
      return bytes;
    if (static_cast<std::size_t>(count) > limit - bytes.size())
      return Status(StatusCode::io,
                    "standard input: cannot read: at most " + std::to_string(limit) + " bytes are read");
    bytes.insert(bytes.end(), piece.begin(), piece.begin() + count);
  }
}

} // namespace intvit::cli
