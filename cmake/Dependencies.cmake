# SPDX-License-Identifier: Apache-2.0
# Every library that the installed components need, found once.
find_package(Threads REQUIRED)

find_package(tl-expected REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZeroMQ REQUIRED IMPORTED_TARGET libzmq>=4.3.4)
pkg_check_modules(Xxhash REQUIRED IMPORTED_TARGET libxxhash>=0.8)
if(FLOTILLA_WITH_ZSTD)
    pkg_check_modules(Zstd REQUIRED IMPORTED_TARGET libzstd)
endif()
if(FLOTILLA_WITH_LZ4)
    pkg_check_modules(Lz4 REQUIRED IMPORTED_TARGET liblz4)
endif()
if(FLOTILLA_WITH_LMDB)
    pkg_check_modules(Lmdb REQUIRED IMPORTED_TARGET lmdb>=0.9.24)
endif()
