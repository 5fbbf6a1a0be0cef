#pragma once
// What the program says to its caller when it ends. Every command returns one of these.

namespace keepsake {

inline constexpr int kFine = 0;
inline constexpr int kFailed = 1;      // at run time: a port in use, a cookie that does not open
inline constexpr int kWrongInput = 2;  // wrong usage or configuration: running again will not help

}  // namespace keepsake
