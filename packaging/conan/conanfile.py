# SPDX-License-Identifier: Apache-2.0
"""conan create packaging/conan: Flotilla's libraries, and its programs with -o flotilla/*:tools=True."""
import os

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy
from conan.tools.gnu import PkgConfigDeps


class FlotillaConan(ConanFile):
    name = "flotilla"
    version = "0.1.0"
    description = "Brokerless messaging over ZeroMQ in which every link states its guarantee"
    license = "Apache-2.0"
    topics = ("zeromq", "messaging", "brokerless")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "shared": [True, False],
        "with_lmdb": [True, False],
        "with_lz4": [True, False],
        "with_zstd": [True, False],
        "tools": [True, False],
    }
    default_options = {"shared": False, "with_lmdb": True, "with_lz4": True, "with_zstd": True,
                       "tools": False}

    def export_sources(self):
        root = os.path.join(self.recipe_folder, "..", "..")
        for pattern in ("CMakeLists.txt", "LICENSE", "README.md", "CHANGELOG.md", "cmake/*", "lib/*",
                        "patterns/*", "daemons/*", "cli/*", "docs/*", "packaging/debian/*"):
            copy(self, pattern, root, self.export_sources_folder)

    def layout(self):
        cmake_layout(self)

    def validate(self):
        check_min_cppstd(self, 20)

    def requirements(self):
        self.requires("zeromq/4.3.5")
        self.requires("tl-expected/1.1.0", transitive_headers=True)
        self.requires("tomlplusplus/3.4.0")
        self.requires("xxhash/0.8.2")
        if self.options.with_lmdb:
            self.requires("lmdb/0.9.32")
        if self.options.with_lz4:
            self.requires("lz4/1.9.4")
        if self.options.with_zstd:
            self.requires("zstd/1.5.5")
        if self.options.tools:
            self.requires("cli11/2.4.2")
            self.requires("nlohmann_json/3.11.3")
            self.requires("spdlog/1.14.1")
            self.requires("zlib/1.3.1")

    def generate(self):
        CMakeDeps(self).generate()
        # libzmq, xxHash, LMDB, zstd and LZ4 are found through pkg-config, as on every system.
        PkgConfigDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables.update({
            "FLOTILLA_BUILD_BENCH": False,
            "FLOTILLA_BUILD_EXAMPLES": False,
            "FLOTILLA_BUILD_TESTS": False,
            "FLOTILLA_BUILD_CLI": bool(self.options.tools),
            "FLOTILLA_BUILD_DAEMONS": bool(self.options.tools),
            "FLOTILLA_WITH_LMDB": bool(self.options.with_lmdb),
            "FLOTILLA_WITH_LZ4": bool(self.options.with_lz4),
            "FLOTILLA_WITH_NCURSES": False,
            "FLOTILLA_WITH_ZSTD": bool(self.options.with_zstd),
        })
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        # Flotilla's own package file knows its targets and what they need.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append(os.path.join("lib", "cmake", "flotilla"))
