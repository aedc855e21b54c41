"""What is installed is all of it; and another package whose import name is attribution may lie over it.

The index has one: with both installed, the later one's files stay.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomlkit

ROOT = Path(__file__).resolve().parents[2]
THEIRS = {  # as attribution 1.8.0 has them
    "attribution/__init__.py": "__author__ = 'somebody else'",
    "attribution/__main__.py": "",
    "attribution/types.py": "",
    "attribution/tag.py": "",
    "attribution-1.8.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: attribution\nVersion: 1.8.0\n",
    "attribution-1.8.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "attribution-1.8.0.dist-info/RECORD": "",
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ours, without the bundled weights, and one with the names of theirs."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    shutil.copytree(ROOT / "attribution", source / "attribution", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "models" / "demo-reranker").mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(built)!r})"
    subprocess.run([sys.executable, "-c", build], check=True, cwd=source, capture_output=True)
    theirs = built / "attribution-1.8.0-py3-none-any.whl"
    with zipfile.ZipFile(theirs, "w") as wheel:
        for name, text in THEIRS.items():
            wheel.writestr(name, text)
    return {"ours": next(built.glob("rerank_lens-*.whl")), "theirs": theirs}


def unpack(wheel: Path, folder: Path) -> None:
    """As pip does with what is Python alone: over whatever is there."""
    with zipfile.ZipFile(wheel) as files:
        files.extractall(folder)


def ran(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with nothing installed but what `folder` holds."""
    alone = {**os.environ, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-S", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder.parent, env=alone, check=False)


def test_with_theirs_installed_later_our_command_says_what_to_do(wheels: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(folder), str(wheels["ours"])], check=True)
    unpack(wheels["theirs"], folder)
    said = ran(folder, str(folder / "bin" / "rerank-lens"), "explain")
    assert said.returncode == 1
    assert "attribution/__init__.py is not Rerank Lens" in said.stderr
    assert "pip uninstall attribution" in said.stderr
    assert "Traceback" not in said.stderr


def test_with_ours_installed_later_it_is_ours(wheels: dict[str, Path], tmp_path: Path) -> None:
    for name in ("theirs", "ours"):
        unpack(wheels[name], tmp_path / "installed")
    script = "import attribution, attribution.tag, attribution.types; print(attribution.types.Explanation.__module__)"
    said = ran(tmp_path / "installed", "-c", script)
    assert said.stdout.strip() == "attribution.types", said.stderr


def test_the_package_asks_for_what_the_space_asks_for() -> None:
    project = tomlkit.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8")).unwrap()["project"]
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert set(project["dependencies"]) == {r for r in requirements if r and not r.startswith(("#", "gradio"))}


def test_the_package_holds_every_room() -> None:
    packages = tomlkit.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8")).unwrap()["tool"]["setuptools"][
        "packages"
    ]
    rooms = {".".join(path.parent.relative_to(ROOT).parts) for path in ROOT.glob("attribution/**/__init__.py")}
    assert set(packages) == rooms | {"attribution.demo_reranker"}
