#pragma once
// SSE2's operations on sixteen bytes, on every architecture: SIMDe passes them through on x86 and
// maps them to the machine's own elsewhere (NEON on arm64), so each scan is written once.

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/sse2.h>
