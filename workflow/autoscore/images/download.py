"""Downloads over https that are whole, or errors that say why not."""

import ssl
import time
from collections.abc import Callable
from http.client import HTTPException, IncompleteRead
from itertools import count
from socket import gaierror
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

CHUNK = 1 << 18  # bytes
PATIENCE = 30  # time-outs that one attempt may take in all, however steadily it trickles
PAUSE = 1.0  # seconds before the first retry; each later pause is twice as long
PASSING = {408, 425, 429, 500, 502, 503, 504}  # HTTP statuses that may be different in a moment


class DownloadError(Exception):
    """A file could not be downloaded; the message names address and reason."""


def check_address(url: str, referrer: str = "") -> None:
    """Raise DownloadError unless an address is https, or http on this machine.

    `referrer` is the address that redirects there, if any: https must redirect to https.
    """
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and (not local or referrer.startswith("https:")):
        after = f" (where {referrer} redirects)" if referrer else ""
        raise DownloadError(f"{url}{after}: expected an https address, found {parts.scheme!r}")


class _SafeRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        check_address(newurl, req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch(
    url: str, most: int, timeout: float, retries: int, report: Callable[[str], object]
) -> bytes:
    """Return the content of an address that `check_address` accepts.

    An attempt fails after `timeout` seconds without an answer. Failures that may pass are retried
    up to `retries` times, after a line to `report`. DownloadError is raised for all others (a
    missing file, a wrong certificate, a refused address, more than `most` bytes) and for the last.
    """
    check_address(url)
    for attempt in count():
        try:
            return _attempt(url, most, timeout)
        except (OSError, HTTPException) as error:
            reason = f"{url}: {_describe(error, timeout)}"
            if attempt == retries or not _may_pass(error):
                raise DownloadError(reason) from error
        pause = PAUSE * 2**attempt
        report(f"{reason}; retry {attempt + 1} of {retries} in {pause:g} s")
        time.sleep(pause)


def _attempt(url: str, most: int, timeout: float) -> bytes:
    deadline = time.monotonic() + PATIENCE * timeout
    with build_opener(_SafeRedirects).open(url, timeout=timeout) as response:
        content, announced = bytearray(), response.length or 0
        while chunk := response.read1(CHUNK):
            content += chunk
            if len(content) > most:
                raise DownloadError(f"{url}: expected at most {most} bytes, found more")
            if time.monotonic() > deadline:
                raise DownloadError(
                    f"{url}: expected a download within {PATIENCE * timeout:g} s, "
                    f"found {len(content)} bytes by then"
                )
    if len(content) < announced:
        raise IncompleteRead(bytes(content), announced - len(content))
    return bytes(content)


def _may_pass(error: Exception) -> bool:
    if isinstance(error, HTTPError):
        return error.code in PASSING
    return not isinstance(getattr(error, "reason", error), ssl.SSLCertVerificationError)


def _describe(error: Exception, timeout: float) -> str:
    cause = getattr(error, "reason", error)  # urllib wraps some errors
    if isinstance(cause, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(cause, gaierror):
        return f"no network, or no such host ({cause.strerror})"
    return str(error) or type(error).__name__
