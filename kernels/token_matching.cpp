#include "kernels/token_matching.hpp"

#include <algorithm>
#include <numeric>

namespace intvit::kernels {

namespace {

constexpr int token_bits = 14; // of a token's number: max_tokens is 2^14

std::int32_t *row_of(const MatchTokensArgs &args, int row) {
  return &args.groups[std::ptrdiff_t{row} * args.tokens];
}

// Who merges into whom. Tokens take their turn by what it costs, of equal ones the earlier first: the order is total,
// so that there is one result whatever the algorithm.
class Merges {
public:
  explicit Merges(const MatchTokensArgs &args)
      : args_(args), costs_(reinterpret_cast<std::uint64_t *>(args.scratch)),
        partners_(reinterpret_cast<std::int32_t *>(costs_ + args.tokens)), order_(partners_ + args.tokens),
        waiting_(order_ + args.tokens), destinations_(row_of(args, 0)), is_destination_(row_of(args, 1)) {
    const std::int32_t *partners = row_of(args, partner_of_token);
    const std::int32_t *low = row_of(args, cost_low);
    const std::int32_t *high = row_of(args, cost_high);
    for (int token = args.first; token < args.tokens; ++token) {
      partners_[token] = partners[token];
      costs_[token] =
          std::uint64_t{static_cast<std::uint32_t>(high[token])} << 32 | static_cast<std::uint32_t>(low[token]);
    }
    std::fill_n(destinations_, args.tokens, -1);
    std::fill_n(is_destination_, args.tokens, 0);
  }

  // Into args.groups: the destination of each token that merges, otherwise -1.
  void find() {
    int left = args_.pairs;
    const auto merge = [&](std::int32_t token, std::int32_t destination) {
      destinations_[token] = destination;
      is_destination_[destination] = 1;
      --left;
    };
    // A heap, as seldom more than a part of the order is asked for.
    std::int32_t *end = order_;
    for (int token = args_.first; token < args_.tokens; ++token)
      if (partners_[token] >= 0)
        *end++ = token;
    const auto later = [&](std::int32_t a, std::int32_t b) {
      return costs_[a] != costs_[b] ? costs_[a] > costs_[b] : a > b;
    };
    std::make_heap(order_, end, later);
    std::int32_t *waiting_end = waiting_; // those whose partner has merged itself
    while (left > 0 && end != order_) {
      std::pop_heap(order_, end, later);
      const std::int32_t token = *--end;
      if (is_destination_[token] != 0)
        continue;
      if (destinations_[partners_[token]] < 0)
        merge(token, partners_[token]);
      else
        *waiting_end++ = token;
    }
    // Now all tokens but the first one are sources, destinations or wait, and there are no more destinations than
    // sources: as many as half of the tokens can merge.
    for (const std::int32_t *token = waiting_; left > 0 && token != waiting_end; ++token)
      if (is_destination_[*token] == 0)
        merge(*token, destinations_[partners_[*token]]);
  }

  void write_groups() const {
    const int tokens = args_.tokens;
    std::int32_t *groups = row_of(args_, group_of_token);
    std::int32_t *sizes = row_of(args_, size_of_token);
    std::int32_t *group_sizes = row_of(args_, size_of_group);
    std::int32_t *rows = order_; // that a token which remains becomes
    int count = 0;
    for (int token = 0; token < tokens; ++token)
      if (destinations_[token] < 0)
        rows[token] = count++;
    std::fill_n(group_sizes, tokens, 0);
    for (int token = 0; token < tokens; ++token) {
      groups[token] = rows[destinations_[token] < 0 ? token : destinations_[token]];
      sizes[token] = args_.sizes == nullptr ? 1 : args_.sizes[token];
      group_sizes[groups[token]] += sizes[token];
    }
  }

private:
  const MatchTokensArgs &args_;
  std::uint64_t *costs_; // of merging each into its partner
  std::int32_t *partners_;
  std::int32_t *order_;
  std::int32_t *waiting_;
  std::int32_t *destinations_; // where the groups will be
  std::int32_t *is_destination_;
};

} // namespace

RankedTokens::RankedTokens(const MatchTokensArgs &args)
    : args_(args),
      tokens_(reinterpret_cast<std::int32_t *>(reinterpret_cast<std::uint64_t *>(args.scratch) + args.tokens)) {
  std::iota(tokens_, tokens_ + count(), args.first);
  if (args.importance == nullptr)
    return;
  // Numbers that ascend with falling importance, then with the token.
  auto *keys = reinterpret_cast<std::uint64_t *>(args.scratch);
  for (int i = 0; i < count(); ++i) {
    const int token = args.first + i;
    keys[i] = std::uint64_t{max_importance - args.importance[token]} << token_bits | static_cast<std::uint64_t>(token);
  }
  std::sort(keys, keys + count());
  for (int i = 0; i < count(); ++i)
    tokens_[i] = static_cast<std::int32_t>(keys[i] & ((std::uint64_t{1} << token_bits) - 1));
}

void RankedTokens::set_partner(int i, int partner, std::int32_t distance) const {
  const int token = tokens_[i];
  const std::uint64_t importance = args_.importance == nullptr ? 0 : args_.importance[token];
  const std::uint64_t cost = static_cast<std::uint64_t>(distance) * (importance + 1); // below 2^58
  row_of(args_, partner_of_token)[token] = tokens_[partner];
  row_of(args_, cost_low)[token] = static_cast<std::int32_t>(static_cast<std::uint32_t>(cost));
  row_of(args_, cost_high)[token] = static_cast<std::int32_t>(cost >> 32);
}

void RankedTokens::set_no_partner() const {
  for (const TokenPartnerRow row : {partner_of_token, cost_low, cost_high})
    row_of(args_, row)[tokens_[0]] = -1;
}

void merge_into_partners(const MatchTokensArgs &args) {
  Merges merges(args);
  merges.find();
  merges.write_groups();
}

} // namespace intvit::kernels
