"""Who may include what: the component table of CMakeLists.txt, and the libraries that have one owner.

Run from anywhere: python3 tests/include_graph_test.py
"""

import pathlib
import re
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Headers of these libraries may be included by these folders of src/ only.
OWNERS = {
    r"(llama|gguf)(-cpp)?\.h": ("engine",),
    r"mtmd[\w-]*\.h": ("engine",),
    r"ggml[\w-]*\.h": ("engine", "merge"),
    r"nlohmann/.*": ("engine", "grammar"),
    r"minja/.*": ("engine",),
    r"toml\+\+/.*": ("config", "machine", "catalog", "merge", "sim"),
}
# These are heavy: any source file may include them, but of the headers only those of these folders.
HEADER_OWNERS = {
    r"glaze/.*": ("api",),
    r"boost/beast.*": ("api/http",),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def component_table(cmake: str) -> dict[str, list[str]]:
    """Each component with what it USES, from the calls pensieve_component(NAME USES a b LIBRARIES ...)."""
    table = {}
    for arguments in re.findall(r"^\s*pensieve_component\(([^)]*)\)", cmake, re.MULTILINE):
        name, *words = arguments.split()
        used, listing = [], False
        for word in words:
            if word in ("USES", "LIBRARIES"):
                listing = word == "USES"
            elif listing:
                used.append(word)
        table[name] = used
    return table


def reachable(table: dict[str, list[str]], component: str) -> set[str]:
    """The component and all that it uses, directly or not."""
    seen, todo = set(), [component]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += table.get(name, [])
    return seen


def violations(root: pathlib.Path) -> list[str]:
    table = component_table((root / "CMakeLists.txt").read_text())
    found = []
    for name, used in table.items():
        found += [f"CMakeLists.txt: {name} uses {other}, which is no component" for other in used if other not in table]
        found += [f"CMakeLists.txt: {name} and {other} use each other"
                  for other in used if name in reachable(table, other)]
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".cc", ".h", ".mm", ".cu"):
            continue
        relative = path.relative_to(root / "src")
        folder = relative.parent.as_posix()
        component = relative.parts[0]
        where = f"src/{relative.as_posix()}"
        if component not in table:
            found.append(f"{where}: the folder is no component of CMakeLists.txt")
            continue
        allowed = reachable(table, component)
        for bracket, header in INCLUDE.findall(path.read_text()):
            other = header.split("/")[0]
            if bracket == '"' and "/" in header and other not in allowed:
                found.append(f"{where}: includes {header}, but {component} does not use {other}")
            for owners, applies in ((OWNERS, True), (HEADER_OWNERS, path.suffix == ".h")):
                for pattern, folders in owners.items():
                    owned = any(f"{folder}/".startswith(f"{owner}/") for owner in folders)
                    if applies and re.fullmatch(pattern, header) and not owned:
                        found.append(f"{where}: includes {header}, which belongs to {', '.join(folders)}")
    return found


class IncludeGraph(unittest.TestCase):
    def test_every_include_follows_the_component_table(self):
        self.assertEqual(violations(ROOT), [])

    def test_the_table_is_read_whole(self):
        table = component_table((ROOT / "CMakeLists.txt").read_text())
        self.assertLessEqual({path.name for path in (ROOT / "src").iterdir() if path.is_dir()}, set(table))
        self.assertIn("base", reachable(table, "api"))
        self.assertNotIn("engine", reachable(table, "api"))


class Planted(unittest.TestCase):
    """Each kind of violation is found where it is planted."""

    def check(self, file: str, line: str) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "CMakeLists.txt").write_text(
                "pensieve_component(base)\npensieve_component(engine USES base)\n"
                "pensieve_component(api USES base\n  LIBRARIES engine)\n")
            path = root / "src" / file
            path.parent.mkdir(parents=True)
            path.write_text(f"// A file.\n{line}\n")
            return violations(root)

    def test_what_is_allowed(self):
        self.assertEqual(self.check("api/a.cc", '#include "base/b.h"'), [])
        self.assertEqual(self.check("engine/linux/a.h", "#include <llama.h>"), [])
        self.assertEqual(self.check("base/a.cc", "#include <glaze/glaze.hpp>"), [])
        self.assertEqual(self.check("api/http/a.h", "#include <boost/beast/http.hpp>"), [])

    def test_what_is_not(self):
        for file, line in (("api/a.cc", '#include "engine/e.h"'), ("base/a.h", '#include "api/a.h"'),
                           ("api/a.cc", "#include <llama.h>"), ("base/a.cc", "#include <ggml-cpu.h>"),
                           ("base/a.h", "#include <glaze/glaze.hpp>"), ("api/a.h", "#  include <boost/beast.hpp>"),
                           ("unknown/a.cc", "")):
            with self.subTest(file=file, line=line):
                self.assertEqual(len(self.check(file, line)), 1)

    def test_a_cycle_in_the_table(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "src").mkdir()
            (root / "CMakeLists.txt").write_text("pensieve_component(a USES b)\npensieve_component(b USES a)\n")
            self.assertEqual(len(violations(root)), 2)


if __name__ == "__main__":
    unittest.main()
