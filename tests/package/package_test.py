# SPDX-License-Identifier: Apache-2.0
"""Flotilla as others meet it: installed, found, linked, packaged.

package_test.py SOURCE BUILD CASE: BUILD is a finished build of SOURCE. Each case works in a fresh
folder under BUILD/package_test.
"""
import ast
import json
import os
import re
import shutil
import subprocess
import sys

SOURCE, BUILD, CASE = (os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3])
CONSUMER = os.path.join(SOURCE, "tests", "package", "consumer")
SCRATCH = os.path.join(BUILD, "package_test", CASE)
PREFIX = os.path.join(BUILD, "package_test", "install", "prefix")
JOBS = str(os.cpu_count() or 1)


def require(condition, message):
    if not condition:
        sys.exit(f"{CASE}: {message}")


def run(*command, **options):
    print("+", *command, flush=True)
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, cwd=SCRATCH, **options)
    require(done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)


def cache(name):
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        found = re.search(rf"^{name}(?::\w+)?=(.*)$", file.read(), re.M)
    return found.group(1) if found else ""


def version():
    return cache("CMAKE_PROJECT_VERSION")


def files_of(folder):
    return [os.path.relpath(os.path.join(where, name), folder)
            for where, _, names in os.walk(folder) for name in names]


def libdir(prefix):
    """Where under `prefix` the libraries went."""
    found = [f for f in files_of(prefix) if f.endswith("pkgconfig/flotilla.pc")]
    require(len(found) == 1, f"flotilla.pc is in {found}")
    return os.path.join(prefix, os.path.dirname(os.path.dirname(found[0])))


def check_consumer(program):
    require("consumer: 3 messages, flotilla" in run(program), f"{program} said something else")


def like_build(*names):
    """Cache entries of the build; with the same ones, ccache has the library compiled already."""
    return [f"-D{name}={cache(name)}" for name in names]


def build_consumers(*options, build=os.path.join(SCRATCH, "build"),
                    consumers=("consumer", "consumer_of_all")):
    run("cmake", "-S", CONSUMER, "-B", build, "-G", "Ninja",
        *like_build("CMAKE_CXX_COMPILER", "CMAKE_CXX_COMPILER_LAUNCHER"), *options)
    run("cmake", "--build", build, "-j", JOBS, "--target", *consumers)
    for consumer in consumers:
        check_consumer(os.path.join(build, consumer))


def install():
    """cmake --install into a scratch prefix, which the other cases use."""
    run("cmake", "--install", BUILD, "--prefix", PREFIX)


def installed_tree():
    """Nothing installed knows where it was built, or where it was installed."""
    found = files_of(PREFIX)
    for wanted in ("bin/zmq", "bin/flotilla-relay", "bin/flotilla-broker",
                   "bin/flotilla-store", "share/man/man1/zmq.1",
                   "share/man/man1/flotilla-relay.1", "share/man/man1/flotilla-broker.1",
                   "share/man/man1/flotilla-store.1",
                   "include/flotilla/base/result.hpp",
                   "share/bash-completion/completions/zmq", "share/zsh/vendor-completions/_zmq",
                   "share/fish/vendor_completions.d/zmq.fish", "share/doc/flotilla/LICENSE",
                   "share/doc/flotilla/README.md"):
        require(wanted in found, f"{wanted} is not installed")
    shared = any(f.endswith(".so") for f in found)
    for name in found:
        path = os.path.join(PREFIX, name)
        if shared and os.access(path, os.X_OK):
            continue  # debug information of a development build names its sources
        with open(path, "rb") as file:
            data = file.read()
        if name.startswith("bin/") or name.endswith(".a"):
            continue  # the same; the Debian packages, which are stripped, are checked whole
        for place in (BUILD, PREFIX, SOURCE):
            require(place.encode() not in data, f"{name} contains {place}")
    require(not [f for f in found if "test" in f.lower() or "catch" in f.lower()],
            "tests are installed")
    require(version() in run(os.path.join(PREFIX, "bin/zmq"), "version"), "zmq version differs")


def find_package():
    """The installed package is found, and a component that it has not is named with those it has."""
    build_consumers(f"-DCMAKE_PREFIX_PATH={PREFIX}")
    os.makedirs(os.path.join(SCRATCH, "wrong"))
    with open(os.path.join(SCRATCH, "wrong", "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write("cmake_minimum_required(VERSION 3.25)\nproject(x CXX)\n"
                   "find_package(flotilla COMPONENTS queues)\nif(flotilla_FOUND)\n"
                   "message(FATAL_ERROR found)\nendif()\n")
    said = " ".join(run("cmake", "-S", "wrong", "-B", "wrong/build",
                        f"-DCMAKE_PREFIX_PATH={PREFIX}").split())
    require("there is no component 'queues'; there are: " in said and " queue," in said, said)


def moved():
    """The installed tree works wherever it is put, and refuses a version that it is not."""
    elsewhere = os.path.join(SCRATCH, "some where else")
    shutil.copytree(PREFIX, elsewhere)
    build_consumers(f"-DCMAKE_PREFIX_PATH={elsewhere}")
    text = "cmake_minimum_required(VERSION 3.25)\nproject(x CXX)\nfind_package(flotilla 99.0)\n" \
           "if(flotilla_FOUND)\nmessage(FATAL_ERROR found)\nendif()\n"
    os.makedirs(os.path.join(SCRATCH, "newer"))
    with open(os.path.join(SCRATCH, "newer", "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write(text)
    run("cmake", "-S", "newer", "-B", "newer/build", f"-DCMAKE_PREFIX_PATH={elsewhere}")


def pkg_config():
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(libdir(PREFIX), "pkgconfig"))
    ask = ("pkg-config", "flotilla")
    require(run("pkg-config", "--modversion", "flotilla", env=environment).strip() == version(),
            "flotilla.pc has another version")
    flags = run(*ask, "--cflags", "--libs", env=environment).split()
    run(cache("CMAKE_CXX_COMPILER"), "-std=c++20", "-O1", os.path.join(CONSUMER, "main.cpp"), "-o",
        "consumer", *flags)
    environment["LD_LIBRARY_PATH"] = libdir(PREFIX)
    require("3 messages" in run(os.path.join(SCRATCH, "consumer"), env=environment), "no messages")


BESIDE = f"{BUILD}.{CASE}"


def build_with_sources(how, *options):
    """What is tried is that it configures, compiles and links there: without optimisation, and as
    much as one consumer links. Both cases have Flotilla in one place of their builds, so that
    ccache has for the second what the first compiled."""
    fresh(BESIDE)
    build_consumers(f"-DFLOTILLA_FROM={how}", f"-DFLOTILLA_SOURCE={SOURCE}", "-DCMAKE_CXX_FLAGS=-O0",
                   "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=32",
                   *like_build("CMAKE_COMPILE_WARNING_AS_ERROR"),
                   *options, build=BESIDE, consumers=("consumer",))


def add_subdirectory():
    build_with_sources("subdirectory")
    programs = [f for f in files_of(BESIDE)
                if re.search(r"(^|/)(zmq|flotilla-relay|flotilla-broker|flotilla-store|unit_\w+)$", f)]
    require(not programs, f"who only links the library also builds {programs}")


def fetch_content():
    """FetchContent, and Flotilla as shared libraries."""
    build_with_sources("fetch", "-DBUILD_SHARED_LIBS=ON")
    soname = ".".join(version().split(".")[:2])
    library = os.path.join(BESIDE, "_deps/flotilla-build/lib/flotilla/base",
                           f"libflotilla_base.so.{soname}")
    require(os.path.exists(library), f"there is no {library}")


DAEMONS = ("store", "broker", "relay")


def units():
    """The units are right for systemd, hardened, and fit the programs and their settings."""
    folder = os.path.join(BUILD, "package", "systemd")
    names = sorted(os.listdir(folder))
    require(names == sorted(f"flotilla-{d}{i}.service" for d in DAEMONS for i in ("", "@")),
            f"the units are {names}")
    for daemon in DAEMONS:
        program = os.path.join(BUILD, "daemons", daemon, f"flotilla-{daemon}")
        settings = os.path.join(SOURCE, "packaging", "etc", f"{daemon}.toml")
        run(program, "--config", settings, "--check-config")
        in_effect = run(program, "--config", settings, "--print-config")
        drain = re.search(r'drain = "(\d+)s"', in_effect)
        held = sum(int(size) << 20 for size in
                   re.findall(r'^(?:requests|kept|backlogs)_bytes_max = "(\d+)MiB"', in_effect, re.M))
        for name in (f"flotilla-{daemon}.service", f"flotilla-{daemon}@.service"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
            stop = re.search(r"TimeoutStopSec=(\d+)s", text)
            require(int(stop.group(1)) > int(drain.group(1)), f"{name} kills what still drains")
            memory = re.search(r"^MemoryMax=(\d+)G$", text, re.M)
            require(memory and int(memory.group(1)) << 30 > held,
                    f"{name} has too little memory: its limits sum up to {held} bytes")
            key = f"LoadCredential={name.replace('@', '-%i').replace('.service', '')}.key_secret"
            require(key in text.splitlines(), f"{name} has no {key}")
            # Where it will be installed there is nothing yet; the build's program stands in.
            instance = name.replace("@.", "@a.")
            with open(os.path.join(SCRATCH, instance), "w", encoding="utf-8") as file:
                file.write(text.replace(f"/usr/bin/flotilla-{daemon}", program))
            said = run("systemd-analyze", "verify", "--man=no", os.path.join(SCRATCH, instance))
            require(name.split(".")[0] not in said, said)
            # 0 is perfect, 100 is no protection at all.
            run("systemd-analyze", "security", "--offline=true", "--threshold=20",
                os.path.join(SCRATCH, instance))
    run("systemd-sysusers", "--dry-run", os.path.join(SOURCE, "packaging/systemd/flotilla.sysusers"))


def deb():
    """The Debian packages: what is in them, and that their programs run."""
    run("cpack", "-G", "DEB", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", SCRATCH)
    packages = {f.split("_")[0]: f for f in os.listdir(SCRATCH) if f.endswith(".deb")}
    require(sorted(packages) == ["flotilla", "flotilla-dev"], f"the packages are {packages}")
    needs = run("dpkg-deb", "-f", packages["flotilla"], "Depends")
    require("libzmq5" in needs and "libc6" in needs, f"flotilla depends on {needs}")
    require("systemd" in needs, f"flotilla makes a system user, but depends on {needs}")
    settings = {f"/etc/flotilla/{daemon}.toml" for daemon in DAEMONS}
    conffiles = run("dpkg-deb", "-I", packages["flotilla"], "conffiles")
    require(set(conffiles.split()) == settings, f"the conffiles are {conffiles}")
    needs = run("dpkg-deb", "-f", packages["flotilla-dev"], "Depends")
    require("libzmq3-dev" in needs, f"flotilla-dev depends on {needs}")
    for package in packages.values():
        run("dpkg-deb", "-x", package, "root")
        listing = run("dpkg-deb", "-c", package)
        require(not re.search(r"^d\S+(?<!r-x) ", listing, re.M) and "/copyright" in listing,
                f"odd modes, or no copyright:\n{listing}")
    root = os.path.join(SCRATCH, "root")
    for name in files_of(root):
        with open(os.path.join(root, name), "rb") as file:
            if name.startswith("usr/bin"):
                require(BUILD.encode() not in file.read(), f"{name} contains {BUILD}")
    require(version() in run(os.path.join(root, "usr/bin/zmq"), "version"), "zmq version differs")
    for daemon in ("flotilla-relay", "flotilla-broker", "flotilla-store"):
        require(version() in run(os.path.join(root, "usr/bin", daemon), "--version"),
                f"{daemon} --version differs")
    build_consumers(f"-DCMAKE_PREFIX_PATH={root}/usr")
    lint(packages.values())
    deb_installed(packages)


def lint(packages):
    if shutil.which("lintian"):
        run("lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", ",".join((
            # The first upload to Debian would close a bug; the maintainer's address is a stand-in.
            "initial-upload-closes-no-bugs", "bogus-mail-host", "mail-address-loops-or-bounces",
            # The changelog keeps its name everywhere.
            "wrong-name-for-upstream-changelog",
            # /usr/lib, as everywhere else: these packages are not for several architectures at once.
            "pkg-config-unavailable-for-cross-compilation")), *packages)


def deb_installed(packages):
    """Where that is wanted (root, FLOTILLA_TEST_DPKG=1): installed on this system, and removed."""
    if os.environ.get("FLOTILLA_TEST_DPKG") != "1":
        return
    run("dpkg", "-i", packages["flotilla"])
    try:
        require(version() in run("/usr/bin/zmq", "version"), "zmq version differs")
        run("man", "-w", "zmq")
    finally:
        run("dpkg", "-r", "flotilla")


def recipes():
    """The vcpkg port and the conan recipe parse, and name the version that this is."""
    port = os.path.join(SOURCE, "packaging/vcpkg/flotilla")
    with open(os.path.join(port, "vcpkg.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    require(manifest["version"] == version(), "vcpkg.json has another version")
    with open(os.path.join(SOURCE, "CMakeLists.txt"), encoding="utf-8") as file:
        options = set(re.findall(r"option\((FLOTILLA_\w+)", file.read()))
    with open(os.path.join(port, "portfile.cmake"), encoding="utf-8") as file:
        portfile = file.read()
    with open(os.path.join(SOURCE, "packaging/conan/conanfile.py"), encoding="utf-8") as file:
        conanfile = file.read()
    for name, text in (("portfile.cmake", portfile), ("conanfile.py", conanfile)):
        unknown = set(re.findall(r"FLOTILLA_(?:BUILD|WITH|INSTALL)\w*", text)) - options
        require(not unknown, f"{name} sets options that do not exist: {unknown}")
    tree = ast.parse(conanfile)
    recipe = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    methods = {node.name for node in recipe.body if isinstance(node, ast.FunctionDef)}
    wanted = {"requirements", "layout", "generate", "build", "package", "package_info"}
    require(wanted <= methods, f"conanfile.py lacks {wanted - methods}")
    values = {node.targets[0].id: node.value for node in recipe.body if isinstance(node, ast.Assign)}
    require(ast.literal_eval(values["version"]) == version(), "conanfile.py has another version")
    # vcpkg's own functions are given, so that CMake itself reads the file from end to end.
    known = "vcpkg_check_features vcpkg_cmake_configure vcpkg_cmake_install vcpkg_copy_tools " \
            "vcpkg_cmake_config_fixup vcpkg_fixup_pkgconfig vcpkg_install_copyright"
    script = "cmake_minimum_required(VERSION 3.25)\n"
    script += "".join(f"function({name})\nendfunction()\n" for name in known.split())
    script += "file(MAKE_DIRECTORY ${CURRENT_PACKAGES_DIR}/debug/include)\n"
    with open(os.path.join(SCRATCH, "port.cmake"), "w", encoding="utf-8") as file:
        file.write(script + f'set(CURRENT_PORT_DIR "{port}")\ninclude("{port}/portfile.cmake")\n')
    run("cmake", f"-DCURRENT_PACKAGES_DIR={SCRATCH}/packages", "-DPORT=flotilla", "-P", "port.cmake")


CASES = (install, installed_tree, find_package, moved, pkg_config, add_subdirectory, fetch_content,
         units, deb, recipes)

if __name__ == "__main__":
    fresh(SCRATCH)
    {case.__name__: case for case in CASES}[CASE]()
