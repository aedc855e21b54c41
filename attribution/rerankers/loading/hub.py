"""The Hub, over HTTP: a checkpoint judged by its config before any weight comes, each failure a sentence of its own."""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from huggingface_hub import HfApi, constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import tqdm

from attribution.errors import ModelError
from attribution.rerankers.loading.files import (
    MODULES,
    float32_bytes,
    judge,
    missing_weights,
    names_in,
    needed,
    weights_of,
)
from attribution.rerankers.loading.models import advice
from attribution.rerankers.memory import check_room, gigabytes

OnBytes = Callable[[int, int], None]  # (bytes that came, of so many); may raise to give up
HubAnswer = TypeVar("HubAnswer")
# By the client's own variables, but for its defaults: nobody looks at a silent page for ten seconds.
SECONDS = float(os.environ.get("HF_HUB_ETAG_TIMEOUT") or 5)  # to answer a question
STALLED = float(os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT") or 20)  # without a byte of a file
constants.DOWNLOAD_CHUNK_SIZE = 2**20  # bytes; by the client's own 10 MB a small model's progress is two steps
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
KEPT = "Files that came whole are kept: try again to go on."  # the client begins half a file anew


class _GivenUp(Exception):
    """Ends a transfer that nobody waits for any more."""


class _Transfer:
    """Bytes that came, counted by the client's progress bar in its thread and read by the one that waits."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.given_up, self.last = total, 0, False, time.monotonic()

    def bar(self) -> type[tqdm]:
        """A progress bar for the client that prints nothing."""
        transfer = self

        class Bar(tqdm):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                super().__init__(*args, **{**kwargs, "disable": True})

            def update(self, n: float | None = 1) -> None:
                if transfer.given_up:
                    raise _GivenUp
                transfer.done += int(n or 0)
                transfer.last = time.monotonic()

        return Bar


def cached(repo: str, revision: str | None) -> Path | None:
    """The folder of a checkpoint that is on disk with all its weights; nothing is asked of the Hub."""
    try:
        folder = Path(snapshot_download(repo, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    names = names_in(folder)
    whole = "config.json" in names and not missing_weights(names, lambda name: (folder / name).read_bytes())
    return folder if whole else None


def fetch(repo: str, revision: str | None, on_bytes: OnBytes | None = None) -> Path:
    """The folder of a checkpoint, named by its commit: from disk if it is there, else from the Hub.

    A branch on disk is not asked after again. `on_bytes` hears of the transfer a few times a second, in the caller's
    thread. Raises `ModelError`.
    """
    folder = cached(repo, revision)
    if folder:
        return folder
    try:
        return _fetch(repo, revision, on_bytes or (lambda _done, _total: None))
    except ModelError:
        raise
    except (OSError, HTTPError, ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
        raise ModelError(_sentence(repo, revision, error)) from error


def _fetch(repo: str, revision: str | None, on_bytes: OnBytes) -> Path:
    ask = partial(HfApi().model_info, repo, revision=revision, files_metadata=True, timeout=SECONDS)
    info = _watched(ask, _Transfer(0), on_bytes)  # so that who waits may give up while the Hub is silent, too
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}

    def get(names: list[str], revision: str, hear: OnBytes) -> list[Path]:
        transfer = _Transfer(sum(sizes[name] for name in names))
        return [_watched(partial(_file, repo, name, revision, transfer), transfer, hear) for name in names]

    def still_asking(_done: int, _total: int) -> None:  # a few hundred bytes say what there is to fetch
        on_bytes(0, 0)

    commit, read = str(info.sha), {}
    if "config.json" in sizes:  # by the name asked for, so that the cache knows next time which commit it meant
        (config,) = get(["config.json"], revision or constants.DEFAULT_REVISION, still_asking)
        commit, read = config.parent.name, {"config.json": config.read_bytes()}
        modules = [name for name in MODULES if name in sizes]
        read |= {
            name: path.read_bytes() for name, path in zip(modules, get(modules, commit, still_asking), strict=True)
        }
    judged = judge(repo, sizes, read.__getitem__)
    files = [name for name in needed(sizes) if name not in read]
    files.sort(key=lambda name: (name.endswith((".safetensors", ".bin")), name))  # weights last
    check_room(repo, float32_bytes(judged, sum(sizes[name] for name in weights_of(files))))
    _check_disk(repo, sum(sizes[name] for name in files))
    return get(files, commit, on_bytes)[-1].parent


def _file(repo: str, name: str, revision: str, transfer: _Transfer) -> Path:
    """One file, asked for once without retries, so that a refusal is known at once, then fetched with the client's."""
    url = hf_hub_url(repo, name, revision=revision)
    get_hf_file_metadata(url, timeout=SECONDS)
    bar = transfer.bar()
    return Path(hf_hub_download(repo, name, revision=revision, etag_timeout=SECONDS, tqdm_class=bar))


def _watched(work: Callable[[], HubAnswer], transfer: _Transfer, on_bytes: OnBytes) -> HubAnswer:
    """What `work` returns or raises, from a thread of its own, unless no byte comes for `STALLED` seconds.

    The client resumes a broken transfer by itself; it has no limit on the whole.
    """
    answers: list[HubAnswer] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:
            errors.append(error)

    transfer.last = time.monotonic()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.1)
            on_bytes(transfer.done, transfer.total)
            if thread.is_alive() and time.monotonic() - transfer.last > STALLED:
                raise ModelError(
                    f"The Hub has sent nothing for {STALLED:.0f} seconds, after {gigabytes(transfer.done)} of "
                    f"{gigabytes(transfer.total)}. {KEPT}"
                )
    finally:
        transfer.given_up = thread.is_alive()
    if errors:
        raise errors[0]
    return answers[0]


def _check_disk(repo: str, size: int) -> None:
    place = Path(constants.HF_HUB_CACHE).expanduser()
    there = next(folder for folder in (place, *place.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if size > free:
        raise ModelError(
            f"{repo} is {gigabytes(size)} to download, and {there} has {gigabytes(free)} left. Free some space, or set "
            "HF_HOME to another disk."
        )


def _sentence(repo: str, revision: str | None, error: Exception) -> str:
    """What went wrong, and what to do."""
    name = type(error).__name__
    if isinstance(error, GatedRepoError):
        return (
            f"{repo} is gated: its owner asks you to accept terms first. Accept them on its page, {constants.ENDPOINT}/"
            f"{repo}, log in with: hf auth login (in a Space: the secret HF_TOKEN), and try again."
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"The Hub shows no repository {repo}: it does not exist, or it is private. Check owner and name; for a "
            f"private one log in with: hf auth login (in a Space: the secret HF_TOKEN). {advice()}"
        )
    if isinstance(error, HFValidationError):
        return f"There is no folder {repo}, and it is no Hub id, which is owner/name. {advice()}"
    if isinstance(error, RevisionNotFoundError):
        return f"{repo} has no revision {revision!r}. Give a branch, a tag or a commit that is on its page."
    if isinstance(error, HfHubHTTPError):
        return _answered(repo, error.response.status_code)
    if isinstance(error, OfflineModeIsEnabled):
        return f"{repo} is not on this disk, and HF_HUB_OFFLINE forbids to ask the Hub. Unset it. {advice()}"
    if "Timeout" in name or isinstance(error, TimeoutError):
        return f"The Hub did not answer within {SECONDS:.0f} seconds about {repo}. Check the network and try again."
    if isinstance(error, HTTPError):
        return f"The Hub broke off or cannot be reached from here ({name}) while {repo} was asked for. {KEPT}"
    if isinstance(error, OSError) and error.errno in FULL:
        return (
            f"The disk with {constants.HF_HUB_CACHE} is full, and {repo} did not fit. Free some space, or set HF_HOME "
            f"to another disk. {KEPT}"
        )
    if "Consistency check" in str(error):
        return f"A file of {repo} came with the wrong length, and was thrown away. {KEPT}"
    if "missing the '" in str(error) or not isinstance(error, OSError):
        return (
            f"Something other than the Hub answered for {repo}: a network's sign-in page, a proxy, or a wrong "
            "HF_ENDPOINT. Open any page in a browser to sign in, then try again."
        )
    return f"Could not fetch {repo}: {(str(error).strip() or name).splitlines()[0]} {KEPT}"


def _answered(repo: str, status: int) -> str:
    if status == 429:
        return f"The Hub has had too many requests from here (429) and asks to wait a few minutes before {repo}."
    if status >= 500:
        return f"The Hub has a fault of its own ({status}) and could not send {repo}. Try again in a few minutes."
    if status == 401:
        return f"The Hub does not accept this login (401) for {repo}. Log in again with: hf auth login."
    if status == 403:
        return f"The Hub forbids {repo} to this login (403). Ask its owner for access, or log in with: hf auth login."
    return f"The Hub answered {status} for {repo}."
