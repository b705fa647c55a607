"""Import rules that a graph of modules cannot see: where an import stands, and how it is spelled."""

import ast
from collections.abc import Iterator
from pathlib import Path

FOLDERS = ("core", "jobs_dashboard", "examples")
# The two places that must import late: Django forbids models before `ready`, and drivers are optional.
LATE_BY_FUNCTION = "ready"
LATE_BY_FILE = "core/backends/opener.py"
# Pages reach the engine through queries and actions, never through the door that users import from.
WITHOUT_THE_DOOR = ("jobs_dashboard/views/", "jobs_dashboard/templatetags/")


def violations(root: Path) -> list[str]:
    """A sentence for every import that breaks a rule."""
    sentences = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if name.startswith("examples/data/"):
                continue
            try:
                tree = ast.parse(path.read_text(encoding="utf-8"))
            except SyntaxError:
                continue  # ruff says it better
            sentences += [f"{name}:{line}: {rule}" for line, rule in _broken_rules(name, tree, root)]
    return list(dict.fromkeys(sentences))  # an inner function is seen from the outer one too


def _broken_rules(name: str, tree: ast.Module, root: Path) -> Iterator[tuple[int, str]]:
    yield from _late_imports(name, tree)
    yield from _typing_only_imports(tree)
    if name.startswith("core/"):
        yield from _absolute_imports(tree)
    if name.startswith(WITHOUT_THE_DOOR):
        yield from _imports_of_the_door(tree, root)


def _late_imports(name: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    if name == LATE_BY_FILE:
        return
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if function.name == LATE_BY_FUNCTION and name.endswith("apps.py"):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node.lineno, f"imports inside {function.name}(); the name lives on the wrong floor"
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "__import__":
                yield node.lineno, f"imports by name inside {function.name}(); only the opener does"


def _typing_only_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield node.lineno, "imports for type checking only hide a circle; move the name"


def _absolute_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        absolute = isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "core"
        whole = isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "core" for alias in node.names)
        if absolute or whole:
            assert isinstance(node, ast.Import | ast.ImportFrom)
            yield node.lineno, "imports core by its name; inside core imports are relative, so that it can be renamed"


def _imports_of_the_door(tree: ast.Module, root: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module == "jobs_dashboard":
            for alias in node.names:
                package = root / "jobs_dashboard" / alias.name
                if not (package.is_dir() or package.with_suffix(".py").is_file()):
                    yield node.lineno, f"takes {alias.name} from the engine; pages go through queries and actions"
