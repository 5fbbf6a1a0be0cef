#pragma once
// As proxy/base/precompiled.hpp, for the test programs.

#include "base/precompiled.hpp"
#include "support/catch.hpp"
