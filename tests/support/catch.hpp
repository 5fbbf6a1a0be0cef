#pragma once
// Catch2 2.13 (one header) and 3.x (many) under one include.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
