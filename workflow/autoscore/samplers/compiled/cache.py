"""Machine code that is kept from one process to the next, in the user's folder for caches.

Compiling takes seconds, in each of a pipeline's jobs. Numba keeps code by processor, but does not
see when a function changes that the kept one calls: so the folder's name holds a hash of them all.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    _CacheLocator,
    _SourceFileBackedLocatorMixin,
)
from numba.core.registry import cpu_target

from autoscore.samplers.compiled.elementary import allocating


def folder() -> Path:
    """Return where this code for this processor is kept, below $NUMBA_CACHE_DIR or ~/.cache."""
    above = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    sources = sorted(Path(__file__).parent.glob("*.py"))
    processor = cpu_target.target_context.codegen().magic_tuple()
    parts = [*processor, *(file.read_text("utf-8") for file in sources)]
    name = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return Path(above, "autoscore", f"chains-{name}").expanduser()


class _Folder(_SourceFileBackedLocatorMixin, _CacheLocator):
    def __init__(self, function: Callable, file: str) -> None:
        self._py_file, self._lineno = file, function.__code__.co_firstlineno

    def get_cache_path(self) -> str:
        return str(folder())

    def get_source_stamp(self) -> str:
        return ""  # the folder's name says more


class _Code(CompileResultCacheImpl):
    _locator_classes = (_Folder,)


class _Kept(FunctionCache):
    """Numba's own, which writes files whole, so that processes may share them."""

    _impl_class = _Code

    @contextlib.contextmanager
    def _guard_against_spurious_io_errors(self) -> Iterator[None]:
        # a full disk, or a file that somebody damaged, costs no more than to compile
        with contextlib.suppress(Exception):
            yield


def kept(function: Callable) -> Callable:
    """Compile as `allocating` does, and keep the code if there is a folder to write to."""
    dispatcher = allocating(function)
    with contextlib.suppress(RuntimeError, OSError):
        dispatcher._cache = _Kept(function)
    return dispatcher
