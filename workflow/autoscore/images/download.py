"""Downloads over https, by pooch, that are whole, or errors that say why not."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

import pooch
from requests import HTTPError, RequestException, Response
from requests.exceptions import SSLError

CHUNK = 256  # bytes between two looks at the clock, however slowly they come
PATIENCE = 30  # time-outs that one attempt may take in all
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


def check_redirect(response: Response, **_: object) -> None:
    """Raise DownloadError if a response redirects to an address that `check_address` refuses."""
    if response.is_redirect:
        check_address(urljoin(response.url, response.headers["location"]), response.url)


def fetch(path: Path, mirror: str, retries: int, downloader: "Downloader") -> None:
    """Download a file of a mirror to `path`, which then holds all of it, or else is not made.

    Failures that may pass are retried up to `retries` times. DownloadError is raised for all
    others and for the last, and OSError if the file cannot be kept.
    """
    check_address(mirror)
    pooch.get_logger().setLevel("WARNING")  # the downloader reports
    files = pooch.create(path.parent, mirror, registry={path.name: None}, retry_if_failed=retries)
    try:
        files.fetch(path.name, downloader=downloader)
    except RequestException as error:
        raise DownloadError(str(error)) from error


class Downloader(pooch.HTTPDownloader):
    """Downloads a file and checks it before pooch gives it its name.

    An attempt fails after `timeout` seconds without an answer, after `PATIENCE` times as many in
    all, and if more than `most` bytes come. `check` gets the content and its address, and raises
    ValueError if it is wrong. Each failure is a line to `report`.
    """

    def __init__(
        self,
        timeout: float,
        most: int,
        check: Callable[[bytes, str], object],
        report: Callable[[str], object],
    ) -> None:
        super().__init__(timeout=timeout, hooks={"response": check_redirect}, chunk_size=CHUNK)
        self.seconds, self.most = PATIENCE * timeout, most
        self.check, self.report = check, report

    def __call__(self, url: str, output_file: Any, pooch: Any, check_only: bool = False) -> None:
        failed: type[Exception] = DownloadError
        try:
            with Path(output_file).open("wb") as file:
                limited = _Limited(file, url, self.most, self.seconds)
                super().__call__(url, limited, pooch, check_only)
            self.check(Path(output_file).read_bytes(), url)
        except RequestException as error:
            if _may_pass(error):
                failed = RequestException  # which pooch retries
            reason, cause = f"{url}: {_describe(error)}", error
        except (DownloadError, ValueError) as error:
            reason, cause = str(error), error
        else:
            return
        self.report(reason)
        raise failed(reason) from cause


class _Limited:
    """A file that takes at most `most` bytes, for so many seconds; then DownloadError is raised."""

    def __init__(self, file: IO[bytes], url: str, most: int, seconds: float) -> None:
        self._file, self._url, self._most, self._seconds = file, url, most, seconds
        self._deadline, self._taken = time.monotonic() + seconds, 0

    def write(self, chunk: bytes) -> None:
        self._taken += len(chunk)
        if self._taken > self._most:
            raise DownloadError(f"{self._url}: expected at most {self._most} bytes, found more")
        if time.monotonic() > self._deadline:
            raise DownloadError(
                f"{self._url}: expected a download within {self._seconds:g} s, found "
                f"{self._taken} bytes by then"
            )
        self._file.write(chunk)

    def flush(self) -> None:
        """Leave it to the file, which is closed before it is read: pooch asks at every chunk."""


def _describe(error: BaseException) -> str:
    while cause := error.__cause__ or error.__context__:  # the layers above repeat the address
        error = cause
    return str(error) or type(error).__name__


def _may_pass(error: RequestException) -> bool:
    if isinstance(error, HTTPError):
        return error.response.status_code in PASSING
    return not isinstance(error, SSLError)
