#pragma once
// Header names of letters, digits and hyphens, as nearly all are: read and folded sixteen bytes at
// a time, which halves what a head costs to parse. Every other name (with '_' or '.', too long, too
// near the end of what has arrived, wrong) is not for here, and read byte by byte in head.cpp.

#include <bit>
#include <cstddef>

#include "base/simd.hpp"

namespace keepsake {

struct PlainName {
  static constexpr std::size_t kMost = 32;
  alignas(16) char folded[kMost];  // in lower case; zeros follow
  std::size_t size = 0;            // below kMost
};

namespace detail {

// The bytes in lower case, and which of them are not of a plain name.
inline __m128i fold_plain(const char* p, unsigned& others) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
  const __m128i zero = _mm_setzero_si128();
  // x <= n of unsigned bytes is: x minus n, not below zero, is zero.
  const __m128i from_a = _mm_sub_epi8(lower, _mm_set1_epi8('a'));
  const __m128i letter = _mm_cmpeq_epi8(_mm_subs_epu8(from_a, _mm_set1_epi8(25)), zero);
  const __m128i from_0 = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
  const __m128i digit = _mm_cmpeq_epi8(_mm_subs_epu8(from_0, _mm_set1_epi8(9)), zero);
  const __m128i hyphen = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-'));
  const __m128i plain = _mm_or_si128(_mm_or_si128(letter, digit), hyphen);
  others = ~static_cast<unsigned>(_mm_movemask_epi8(plain)) & 0xffffU;
  return _mm_or_si128(_mm_and_si128(letter, lower), _mm_andnot_si128(letter, bytes));
}

inline constexpr unsigned char kKeepFirst[32] = {255, 255, 255, 255, 255, 255, 255, 255,
                                                 255, 255, 255, 255, 255, 255, 255, 255};

inline void store_first(__m128i bytes, std::size_t count, char* to) {
  const __m128i keep = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kKeepFirst + 16 - count));
  _mm_store_si128(reinterpret_cast<__m128i*>(to), _mm_and_si128(bytes, keep));
}

}  // namespace detail

// Reads the name that begins at `p` and ends before a colon. False says nothing about the name.
inline bool read_plain_name(const char* p, const char* end, PlainName& name) {
  if (end - p < 16) {
    return false;
  }
  unsigned others = 0;
  const __m128i first = detail::fold_plain(p, others);
  if (others != 0) {
    name.size = static_cast<std::size_t>(std::countr_zero(others));
    detail::store_first(first, name.size, name.folded);
    _mm_store_si128(reinterpret_cast<__m128i*>(name.folded + 16), _mm_setzero_si128());
  } else {
    if (end - p < 32) {
      return false;
    }
    const __m128i second = detail::fold_plain(p + 16, others);
    if (others == 0) {
      return false;
    }
    const auto more = static_cast<std::size_t>(std::countr_zero(others));
    name.size = 16 + more;
    _mm_store_si128(reinterpret_cast<__m128i*>(name.folded), first);
    detail::store_first(second, more, name.folded + 16);
  }
  return name.size != 0 && p[name.size] == ':';
}

inline bool same_folded(const char* a, const char* b) {
  const auto* left = reinterpret_cast<const __m128i*>(a);
  const auto* right = reinterpret_cast<const __m128i*>(b);
  const __m128i same =
      _mm_and_si128(_mm_cmpeq_epi8(_mm_loadu_si128(left), _mm_loadu_si128(right)),
                    _mm_cmpeq_epi8(_mm_loadu_si128(left + 1), _mm_loadu_si128(right + 1)));
  return _mm_movemask_epi8(same) == 0xffff;
}

}  // namespace keepsake
