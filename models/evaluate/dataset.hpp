// Folders of images, and those with a folder for each class.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/image/image.hpp"
#include "engine/image/recipe.hpp"
#include "kernels/dispatch.hpp"
#include "models/evaluate/classes.hpp"

namespace intvit {

// What a search for images passed over: files that are no pictures which decode_image() knows, links to folders.
class LeftOut {
public:
  void add(const std::string &path, const std::string &reason);
  std::size_t count() const { return count_; }
  std::string text() const; // how many, with examples, for people

private:
  std::size_t count_ = 0;
  std::string examples_;
};

// The pictures below a folder, in the order of their paths: files that begin as one of the formats of decode_image(),
// and, so that reading them tells what is wrong, files that cannot be opened and those whose names end like a
// picture's. Of the rest, hidden files and folders (names that begin with a dot, __MACOSX) are skipped and others go to
// `left_out`. Links to folders are not followed. Throws std::runtime_error if the folder has no picture or cannot be
// read. A folder below it that cannot be read is an error too, or a message to `report` if there is one.
std::vector<std::string> list_images(const std::string &folder, LeftOut &left_out,
                                     const std::function<void(const std::string &message)> &report = {});

struct LabelledImage {
  std::string path;
  int label = 0; // class index
};

// Images in one folder for each class. Either every folder is named after a label, or none is, there are as many
// folders as classes, and the classes are numbered in the order of the folders' names. Throws std::runtime_error that
// names a folder where neither holds, where several classes have its name, or where names are numbers that come in
// another order as numbers than as text. Folders and files are taken and left out as by list_images(); so are pictures
// beside the class folders.
std::vector<LabelledImage> read_class_folders(const std::string &folder, const Classes &classes, LeftOut &left_out);

// `count` of the paths, spread evenly over the list, or all of them if there are no more than that.
std::vector<std::string> spread(const std::vector<std::string> &paths, std::size_t count);

// Loads each of the images on one of `threads` threads, as ImageLoader does, and hands it to `use` with its index and
// the thread's number. `proceed` is called with the number of images done, from any thread but never from two at once;
// where it says false no more images are begun. Returns a message for each image: why it could not be read, else
// nothing.
std::vector<std::string> for_each_image(std::span<const std::string> paths, const Recipe &recipe,
                                        const kernels::KernelTable &kernels, int threads,
                                        const std::function<void(std::size_t i, Image image, std::size_t thread)> &use,
                                        const std::function<bool(std::size_t done)> &proceed);

} // namespace intvit
