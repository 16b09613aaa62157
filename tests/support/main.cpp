// SPDX-License-Identifier: Apache-2.0
#ifdef FLOTILLA_CATCH_OWN_MAIN
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
