#pragma once

namespace intvit {

// A function object made of several, the visitor of a std::variant: each alternative goes to the function that takes
// it, and one that none of them takes does not compile. Give it no function that takes anything ("auto"), or an
// alternative that is added later will go there unnoticed.
template <class... Functions> struct Overloaded : Functions... { using Functions::operator()...; };
template <class... Functions> Overloaded(Functions...) -> Overloaded<Functions...>;

} // namespace intvit
