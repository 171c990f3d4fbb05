// The classes of a model, or its labels or scores, as lists of images and folders call them.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace intvit {

struct Classes {
  int count = 0;
  std::span<const std::string> names; // empty, or one a class
};

// The classes by their names; those that several have are none.
class ClassNames {
public:
  explicit ClassNames(const Classes &classes);

  bool has(const std::string &name) const { return indices_.contains(name); }
  // Requires has(name). `where` is what has that name. Throws std::runtime_error where several classes have it.
  int index(const std::string &name, const std::string &where) const;

private:
  static constexpr int several = -1;
  std::map<std::string, int> indices_;
};

// A class index as text gives it, of any size.
std::optional<int> class_number(const std::string &text);

// A class somewhere in a list.
struct ClassWord {
  std::string text;
  int line = 0;
};

// The indices of classes that the list `path` names: all by their indices from 0, or all by their names. Throws
// std::runtime_error naming the line: neither, a name that several classes have, an index out of range.
std::vector<int> class_indices(const std::vector<ClassWord> &words, const std::string &path, const Classes &classes);

} // namespace intvit
