"""The Hub, over HTTP: a checkpoint judged by its config before any weight comes, each failure a sentence of its own."""

import json
import os
import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from huggingface_hub import HfApi, constants, errors, hf_hub_download, hf_hub_url, snapshot_download
from huggingface_hub.file_download import get_hf_file_metadata
from huggingface_hub.utils import tqdm

from attribution.errors import FULL, ModelError, Stopped
from attribution.rerankers.loading.files import MODULES, judge, missing_weights, names_in, needed, stored_bytes
from attribution.rerankers.loading.models import advice
from attribution.rerankers.loading.transfer import KEPT, OnBytes, Transfer, watched
from attribution.rerankers.memory import check_room, gigabytes

WRONG_FIELD = errors.StrictDataclassError  # a value in config.json of another type
# What the client raises; that of Xet, which sends large files, is a RuntimeError.
RAISED = (OSError, errors.HTTPError, ValueError, TypeError, KeyError, AttributeError, AssertionError, RuntimeError)
# By the client's own variables, but for its defaults: nobody looks at a silent page for ten seconds.
SECONDS = float(os.environ.get("HF_HUB_ETAG_TIMEOUT") or 5)  # to answer a question
STALLED = float(os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT") or 20)  # without a byte of a file
constants.DOWNLOAD_CHUNK_SIZE = 2**20  # bytes; by the client's own 10 MB a small model's progress is two steps
ANSWERS = {  # 500: also what is above
    401: "The Hub does not accept this login (401) for {repo}. Log in again with: hf auth login.",
    403: "The Hub forbids {repo} to this login (403). Ask its owner for access, or log in with: hf auth login.",
    429: "The Hub has had too many requests from here (429). Wait a few minutes, then try {repo} again.",
    500: "The Hub has a fault of its own ({status}) and could not send {repo}. Try again in a few minutes.",
}
LISTS = "rerank-lens-files"  # beside the client's own folders of a repository: what each commit holds that matters


def cached(repo: str, revision: str | None) -> Path | None:
    """The folder of a checkpoint that is on disk with all its weights; nothing is asked of the Hub."""
    try:
        folder = Path(snapshot_download(repo, revision=revision, local_files_only=True))
    except (errors.LocalEntryNotFoundError, errors.HFValidationError):
        return None
    names = names_in(folder)
    whole = "config.json" in names and not missing_weights(names, lambda name: (folder / name).read_bytes())
    return folder if whole else None


def lacking(folder: Path) -> list[str] | None:
    """What a cached folder lacks of the files that loading reads; None: the repository's list was never seen here."""
    file = _list_of(folder)
    if not file.is_file():
        return None
    listed: list[str] = json.loads(file.read_text(encoding="utf-8"))
    return sorted(set(listed) - set(names_in(folder)))


def _list_of(folder: Path) -> Path:
    return folder.parents[1] / LISTS / f"{folder.name}.json"


def cache_note(folder: Path) -> str:
    """What a result says of a folder of the cache that may not be whole; nothing of any other folder."""
    if folder.parent.name != "snapshots":
        return ""
    missing = lacking(folder)
    if missing is None:
        return (
            "This model was put into the Hub's cache by another program, and the Hub could not be asked which "
            "files belong to it. If some are missing (modules.json, prompts, a chat template), its score differs from "
            "what its users get."
        )
    if missing:
        return f"The Hub's cache lacks files of this model, which may change its score: {', '.join(missing)}."
    return ""


def fetch(repo: str, revision: str | None, on_bytes: OnBytes | None = None, dtype: str = "float32") -> Path:
    """The folder of a checkpoint, named by its commit: from disk if it is there and whole, else from the Hub.

    A branch on disk is not asked after again. A folder whose list of files was never seen is compared with it; where
    the Hub cannot be asked, it is taken as it is, see `cache_note`. `on_bytes` hears of the transfer a few times a
    second, in the caller's thread. Raises `ModelError`.
    """
    hear = on_bytes or (lambda _done, _total: None)
    folder = cached(repo, revision)
    if folder and lacking(folder) == []:
        return folder
    try:
        return _complete(repo, folder, hear) if folder else _fetch(repo, revision, hear, dtype)
    except Stopped:
        raise
    except RAISED as error:
        if folder:
            return folder
        if isinstance(error, ModelError):
            raise
        raise ModelError(reason_for(repo, revision, error)) from error


def _complete(repo: str, folder: Path, on_bytes: OnBytes) -> Path:
    """A cached folder, with what it lacks of its commit's files."""
    commit, sizes = _ask(repo, folder.name, on_bytes)
    _remember(folder, sizes)
    there = names_in(folder)
    _get(repo, [name for name in needed(sizes) if name not in there], sizes, commit, on_bytes)
    return folder


def _fetch(repo: str, revision: str | None, on_bytes: OnBytes, dtype: str) -> Path:
    commit, sizes = _ask(repo, revision, on_bytes)

    def still_asking(_done: int, _total: int) -> None:  # a few hundred bytes say what there is to fetch
        on_bytes(0, 0)

    read: dict[str, bytes] = {}
    if "config.json" in sizes:  # by the name asked for, so that the cache knows next time which commit it meant
        (config,) = _get(repo, ["config.json"], sizes, revision or constants.DEFAULT_REVISION, still_asking)
        commit = config.parent.name
        _remember(config.parent, sizes)
        modules = _get(repo, [name for name in MODULES if name in sizes], sizes, commit, still_asking)
        read = {path.name: path.read_bytes() for path in (config, *modules)}
    judged = judge(repo, sizes, read.__getitem__)
    files = [name for name in needed(sizes) if name not in read]
    files.sort(key=lambda name: (name.endswith((".safetensors", ".bin")), name))  # weights last
    check_room(repo, stored_bytes(judged, sizes, dtype), dtype)
    check_disk(repo, sum(sizes[name] for name in files))
    return _get(repo, files, sizes, commit, on_bytes)[-1].parent


def _ask(repo: str, revision: str | None, on_bytes: OnBytes) -> tuple[str, dict[str, int]]:
    """The commit, and its files with their bytes; who waits may give up while the Hub is silent, too."""
    ask = partial(HfApi().model_info, repo, revision=revision, files_metadata=True, timeout=SECONDS)
    info = watched(ask, Transfer(0), on_bytes, STALLED)
    return str(info.sha), {file.rfilename: file.size or 0 for file in info.siblings or []}


def _remember(folder: Path, names: Iterable[str]) -> None:
    file = _list_of(folder)
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(needed(names)), encoding="utf-8")


def _get(repo: str, names: list[str], sizes: dict[str, int], revision: str, on_bytes: OnBytes) -> list[Path]:
    transfer = Transfer(sum(sizes[name] for name in names))
    return [watched(partial(_file, repo, name, revision, transfer), transfer, on_bytes, STALLED) for name in names]


def _file(repo: str, name: str, revision: str, transfer: Transfer) -> Path:
    """One file, asked for once without retries, so that a refusal is known at once, then fetched with the client's."""
    url = hf_hub_url(repo, name, revision=revision)
    get_hf_file_metadata(url, timeout=SECONDS)
    bar = transfer.bar(tqdm)
    return Path(hf_hub_download(repo, name, revision=revision, etag_timeout=SECONDS, tqdm_class=bar))


def check_disk(repo: str, size: int) -> None:
    """Raises `ModelError` where so many bytes do not fit."""
    place = Path(constants.HF_HUB_CACHE).expanduser()
    there = next(folder for folder in (place, *place.parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if size > free:
        raise ModelError(
            f"{repo} is {gigabytes(size)} to download, and {there} has {gigabytes(free)} left. Free some space, or set "
            "HF_HOME to another disk."
        )


def reason_for(repo: str, revision: str | None, error: Exception) -> str:
    """What went wrong, and what to do."""
    name = type(error).__name__
    if isinstance(error, errors.GatedRepoError):
        return (
            f"{repo} is gated: its owner asks you to accept terms first. Accept them on its page, {constants.ENDPOINT}/"
            f"{repo}, log in with: hf auth login (in a Space: the secret HF_TOKEN), and try again."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"The Hub shows no repository {repo}: it does not exist, or it is private. Check owner and name; for a "
            f"private one log in with: hf auth login (in a Space: the secret HF_TOKEN). {advice()}"
        )
    if isinstance(error, errors.HFValidationError):
        return f"There is no folder {repo}, and a Hub id has the form owner/name. {advice()}"
    if isinstance(error, errors.RevisionNotFoundError):
        return f"{repo} has no revision {revision!r}. Give a branch, a tag or a commit that is on its page."
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        return ANSWERS.get(min(status, 500), "The Hub answered {status} for {repo}.").format(repo=repo, status=status)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return f"{repo} is not on this disk, and HF_HUB_OFFLINE forbids downloading it. Unset that variable. {advice()}"
    if "Timeout" in name or isinstance(error, TimeoutError):
        return f"The Hub did not answer within {SECONDS:.0f} seconds about {repo}. Check the network and try again."
    if isinstance(error, errors.HTTPError):
        return f"The Hub broke off or cannot be reached from here ({name}) while {repo} was asked for. {KEPT}"
    if type(error).__module__ == "hf_xet" or isinstance(error, RuntimeError):  # of the service that sends large files
        return (
            f"The Hub's storage of large files (Xet) refused or broke off while {repo} was asked for: "
            f"{(str(error).strip() or name).splitlines()[0]} {KEPT} Or set HF_HUB_DISABLE_XET=1 to fetch it without."
        )
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
    return f"Could not download {repo}: {(str(error).strip() or name).splitlines()[0]} {KEPT}"
