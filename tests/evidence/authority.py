"""A time-stamping authority for tests: openssl behind HTTP on loopback, with certificates made on the spot."""

import subprocess
import tempfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_CONFIG = """[tsa]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


@dataclass
class Authority:
    """Makes CA and certificate in ``folder``; ``purpose`` and ``begins`` bend the certificate, ``late_s`` the clock."""

    folder: Path
    purpose: str = "critical,timeStamping"
    valid: tuple[str, str] = ("20200101000000Z", "20990101000000Z")
    answering: bool = True
    url: str = field(default="", init=False)

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def __enter__(self) -> "Authority":
        self._certificates()
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                token = authority.stamp(query) if authority.answering else b""
                self.send_response(200 if token else 503)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(token)))
                self.end_headers()
                self.wfile.write(token)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def stamp(self, query: bytes) -> bytes:
        """The answer to a query, as openssl gives it."""
        with tempfile.TemporaryDirectory() as name:
            asked, answer = Path(name) / "q", Path(name) / "a"
            asked.write_bytes(query)
            command = ["ts", "-reply", "-config", self.folder / "tsa.conf", "-section", "tsa"]
            _openssl(*command, "-queryfile", asked, "-out", answer)
            return answer.read_bytes()

    def certificate(self, purpose: str = "") -> bytes:
        """The authority's certificate (DER); with ``purpose`` one of the same name, number and key, for that use."""
        f = self.folder
        source = f / "tsa.pem"
        if purpose:
            source = f / "other.pem"
            (f / "index.txt").write_text("")
            (f / "serial").write_text(self._number)
            self._sign(purpose, source)
        _openssl("x509", "-in", source, "-outform", "DER", "-out", f / "certificate.der")
        return (f / "certificate.der").read_bytes()

    def _certificates(self) -> None:
        f = self.folder
        f.mkdir(parents=True, exist_ok=True)
        (f / "serial").write_text("01\n")
        (f / "tsa.conf").write_text(_CONFIG.format(folder=f))
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        ca = ["-subj", f"/CN=Test CA {f.name}", "-days", "20000", "-x509"]
        constraints = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        # RSA, because its signatures all have the same length.
        _openssl(
            "req", "-newkey", "rsa:2048", "-nodes", *ca, *constraints, "-keyout", f / "ca.key", "-out", f / "ca.pem"
        )
        _openssl("req", *curve, "-subj", "/CN=Test TSA", "-keyout", f / "tsa.key", "-out", f / "tsa.csr")
        (f / "index.txt").write_text("")
        (f / "ca.conf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\nnew_certs_dir={f}\ndatabase={f}/index.txt\nserial={f}/serial\n"
            "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
        )
        self._number = (f / "serial").read_text()
        self._sign(self.purpose, f / "tsa.pem")

    def _sign(self, purpose: str, target: Path) -> None:
        f = self.folder
        (f / "ext").write_text(f"keyUsage=critical,digitalSignature\nextendedKeyUsage={purpose}\n")
        signing = ["-batch", "-notext", "-config", f / "ca.conf", "-cert", f / "ca.pem", "-keyfile", f / "ca.key"]
        dates = ["-startdate", self.valid[0], "-enddate", self.valid[1], "-extfile", f / "ext"]
        _openssl("ca", *signing, *dates, "-in", f / "tsa.csr", "-out", target)
