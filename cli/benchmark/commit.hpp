#pragma once

namespace intvit::cli {

// The commit of the sources that this was built from, as git tells it at each build; empty where it tells none.
const char *source_commit();

} // namespace intvit::cli
