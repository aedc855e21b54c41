"""The index has another package whose import name is attribution: with both installed, the later one's files stay."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

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
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(built), str(source)], check=True)
    theirs = built / "attribution-1.8.0-py3-none-any.whl"
    with zipfile.ZipFile(theirs, "w") as wheel:
        for name, text in THEIRS.items():
            wheel.writestr(name, text)
    return {"ours": next(built.glob("rerank_lens-*.whl")), "theirs": theirs}


def installed(wheels: dict[str, Path], order: list[str], folder: Path) -> Path:
    venv.create(folder)
    for name in order:
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--no-index", str(wheels[name])], check=True)
    return folder / "bin"


def test_with_theirs_installed_later_our_command_says_what_to_do(wheels: dict[str, Path], tmp_path: Path) -> None:
    bin_ = installed(wheels, ["ours", "theirs"], tmp_path / "env")
    ran = subprocess.run([bin_ / "rerank-lens", "explain"], capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 1
    assert "attribution/__init__.py is not Rerank Lens" in ran.stderr
    assert "pip uninstall attribution" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_with_ours_installed_later_it_is_ours(wheels: dict[str, Path], tmp_path: Path) -> None:
    bin_ = installed(wheels, ["theirs", "ours"], tmp_path / "env")
    script = "import attribution, attribution.tag, attribution.types; print(attribution.types.Explanation.__module__)"
    ran = subprocess.run([bin_ / "python", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert ran.stdout.strip() == "attribution.types", ran.stderr
