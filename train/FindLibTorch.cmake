# Finds LibTorch for the CPU and defines the target LibTorch::LibTorch.
#
# Looks in INTVIT_TORCH_DIR first: a folder with include/ and lib/ (Debian's prefix, a LibTorch archive, or the torch
# folder inside a site-packages), or a folder that holds such a torch/ folder (pip install --target). Without it, in the
# site-packages of the active virtual environment and in the system's folders (Debian's libtorch-dev).
#
# torch's own package file is not used: with a build for GPUs it demands the whole GPU toolkit, while training here
# links the CPU libraries alone.
set(INTVIT_TORCH_DIR "" CACHE PATH "Folder of LibTorch, or one that holds torch/")

set(_torch_roots ${INTVIT_TORCH_DIR} ${INTVIT_TORCH_DIR}/torch)
file(GLOB _venv_roots "$ENV{VIRTUAL_ENV}/lib/python3*/site-packages/torch")
list(APPEND _torch_roots ${_venv_roots})

find_path(LibTorch_INCLUDE_DIR torch/csrc/autograd/variable.h HINTS ${_torch_roots} PATH_SUFFIXES include)
find_path(LibTorch_API_INCLUDE_DIR torch/torch.h HINTS ${LibTorch_INCLUDE_DIR}
  PATH_SUFFIXES torch/csrc/api/include include/torch/csrc/api/include)
find_library(LibTorch_CPU_LIBRARY torch_cpu HINTS ${_torch_roots} PATH_SUFFIXES lib)
find_library(LibTorch_C10_LIBRARY c10 HINTS ${_torch_roots} PATH_SUFFIXES lib)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIR LibTorch_API_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run scripts/install-torch.sh, or set INTVIT_TORCH_DIR")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  get_filename_component(_torch_lib "${LibTorch_CPU_LIBRARY}" DIRECTORY)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED GLOBAL)
  set_target_properties(LibTorch::LibTorch PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_API_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${LibTorch_CPU_LIBRARY};${LibTorch_C10_LIBRARY}"
    # A GPU build's libtorch_cpu names GPU libraries that it finds by its own path when it is loaded.
    INTERFACE_LINK_OPTIONS "-Wl,--allow-shlib-undefined;-Wl,-rpath,${_torch_lib}")
endif()
