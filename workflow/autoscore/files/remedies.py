"""What to do when the system refuses disk space, memory, files or rights."""

import errno
import re

REMEDIES = {
    errno.ENOSPC: "make room on the disk and run again",
    errno.EDQUOT: "make room within the quota and run again",
    errno.EFBIG: "allow larger files (ulimit -f) and run again",
    errno.EROFS: "make the disk writable, or write to another place",
    errno.EACCES: "make the folder writable for this user, or write to another place",
    errno.EMFILE: "allow more open files (ulimit -n) and run again",
    errno.ENFILE: "close other programs, which have all of the system's files open, and run again",
}
MEMORY = (
    "there is too little memory for this: allow more (ulimit -v, or the limit of the container or "
    "of the cluster's job), or run fewer jobs at once (--cores)"
)
# PyTorch, OpenBLAS, safetensors and the loader of programs have no error class for it
NO_MEMORY = re.compile(
    r"allocate memory|out of memory|Unable to allocate|bad_alloc|failed to map segment|"
    r"start new thread|Resource temporarily unavailable",
    re.IGNORECASE,
)


def is_of_memory(error: BaseException) -> bool:
    """Return whether an error says that memory, or a thread's share of it, was refused."""
    if isinstance(error, OSError) and error.errno in (errno.ENOMEM, errno.EAGAIN):
        return True
    return isinstance(error, MemoryError) or bool(NO_MEMORY.search(str(error)))


def remedy(error: BaseException) -> str:
    """Return what to do about an error, "" if that is unknown or the error says so itself."""
    if is_of_memory(error):
        return MEMORY
    known = REMEDIES.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    return "" if known in str(error) else known
