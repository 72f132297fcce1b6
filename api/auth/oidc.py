"""Signing in by OpenID Connect: the code flow with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636).

Discovery, keys and tokens are fetched through the egress guard; an issuer inside is refused unless the settings allow
it. A token counts only if its signature, issuer, audience, nonce and times hold.
"""

import hmac
import json
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.access import Role, SignInError
from core.egress import parse_target
from core.errors import Sentence, SourceError
from core.fetch import Fetcher
from core.shapes import Json

MOST_BYTES = 256 * 1024
PENDING_S = 600.0
_PENDING = 1000
_FRESH_S = 3600.0
_AGAIN_S = 60.0
_LEEWAY_S = 60
_SCOPE = "openid profile"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key that is the issuer's alone; neither `none` nor keys that both sides hold."""


@dataclass(frozen=True, slots=True)
class OidcOptions:
    """What the operator registered with the issuer, and who of its people gets in as what.

    ``roles`` and ``shops`` map values of claims; without ``shop_claim`` everybody belongs to the platform.
    """

    issuer: str
    client_id: str
    secret: str
    redirect_uri: str
    roles: Mapping[str, Role]
    label: str = ""
    name_claim: str = "preferred_username"
    role_claim: str = "roles"
    shop_claim: str = ""
    shops: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has left for the issuer. ``browser`` is the secret of its cookie, ``url`` where it goes."""

    browser: str
    state: str
    nonce: str
    verifier: str
    url: str
    until: float


class OidcClient:
    """One registered client of one issuer. Thread-safe; holds a bounded number of sign-ins that are under way."""

    def __init__(self, options: OidcOptions, fetcher: Fetcher) -> None:
        self.options = options
        self._fetcher = fetcher
        self._lock = threading.Lock()
        self._pending: OrderedDict[str, Begun] = OrderedDict()
        self._metadata: tuple[float, Json] = (float("-inf"), {})
        self._keys: tuple[float, KeySet | None] = (float("-inf"), None)

    def begin(self) -> Begun:
        """A new sign-in. Raises `EgressError`, `SourceError` where the issuer cannot be asked."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        options = self.options
        url = prepare_grant_uri(
            self._discovered()["authorization_endpoint"],
            options.client_id,
            "code",
            redirect_uri=options.redirect_uri,
            scope=_SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        begun = Begun(secrets.token_urlsafe(32), state, nonce, verifier, url, time.monotonic() + PENDING_S)
        with self._lock:
            self._pending[begun.browser] = begun
            while len(self._pending) > _PENDING:
                self._pending.popitem(last=False)
        return begun

    def finish(self, browser: str, state: str, code: str) -> Json:
        """The claims of whoever came back with ``code``. Each sign-in is finished once.

        Raises `SignInError` for anything that does not fit, `EgressError` and `SourceError` as `begin`.
        """
        with self._lock:
            begun = self._pending.pop(browser, None)
        if begun is None or begun.until < time.monotonic() or not _same(begun.state, state):
            raise refusal(
                "oidc_state", "登录已过期或不是从本页开始的。", "The sign-in is too old or did not begin here."
            )
        answer = self._exchanged(code, begun)
        return self._checked(str(answer.get("id_token", "")), str(answer.get("access_token", "")), begun.nonce)

    def _exchanged(self, code: str, begun: Begun) -> Json:
        found = self._discovered()
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=self.options.redirect_uri,
            code=code,
            code_verifier=begun.verifier,
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        way = _client_way(found, self.options.secret)
        client = ClientAuth(self.options.client_id, self.options.secret, way)
        url, headers, body = client.prepare("POST", found["token_endpoint"], headers, body)
        answer = self._fetcher.ask("POST", url, headers=headers, body=body.encode(), most=MOST_BYTES)
        if answer.status != 200:
            raise refusal("oidc_code", "签发者不认可这次登录。", "The issuer does not confirm this sign-in.")
        return _json(answer.body)

    def _checked(self, token: str, access_token: str, nonce: str) -> Json:
        try:
            decoded = self._decoded(token)
            wanted = {
                "iss": {"essential": True, "value": self.options.issuer},
                "aud": {"essential": True, "value": self.options.client_id},
            }
            known = {"nonce": nonce, "client_id": self.options.client_id, "access_token": access_token}
            claims = CodeIDToken(decoded.claims, decoded.header, wanted, known)
            claims.validate(leeway=_LEEWAY_S)
        except (JoseError, ValueError, TypeError) as error:
            raise refusal("oidc_token", "签发者的令牌不成立。", "The issuer's token does not hold.") from error
        return dict(claims)

    def _decoded(self, token: str) -> jwt.Token:
        """By the keys that are known, and once more by the issuer's present ones: it may have changed them."""
        try:
            return jwt.decode(token, self._key_set(_FRESH_S), algorithms=_ALGORITHMS)
        except (JoseError, ValueError):
            return jwt.decode(token, self._key_set(_AGAIN_S), algorithms=_ALGORITHMS)

    def _key_set(self, fresh_s: float) -> KeySet:
        made_at, keys = self._keys
        if keys is None or time.monotonic() - made_at > fresh_s:
            document: Any = self._document(self._discovered()["jwks_uri"])
            try:
                keys = KeySet.import_key_set(document)
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise SourceError("oidc_keys", "签发者的公钥不可用。", "The issuer's keys cannot be used.") from error
            self._keys = (time.monotonic(), keys)
        return keys

    def _discovered(self) -> Json:
        made_at, found = self._metadata
        if time.monotonic() - made_at <= _FRESH_S:
            return found
        issuer = self.options.issuer
        found = self._document(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != issuer:
            raise SourceError("oidc_issuer", "签发者的名称不符。", "The issuer calls itself otherwise.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            self._check_address(str(found.get(name, "")))
        self._metadata = (time.monotonic(), found)
        return found

    def _check_address(self, url: str) -> None:
        if parse_target(url).scheme != "https" and not self._fetcher.egress.allow_internal:
            raise SourceError("oidc_plain", "签发者的地址须为 https。", "The issuer's addresses must be https.")

    def _document(self, url: str) -> Json:
        self._check_address(url)
        answer = self._fetcher.ask("GET", url, headers={"Accept": "application/json"}, most=MOST_BYTES)
        if answer.status != 200:
            raise SourceError("oidc_answer", f"签发者回答 {answer.status}。", f"The issuer answered {answer.status}.")
        return _json(answer.body)


def refusal(code: str, zh: str, en: str) -> SignInError:
    """Why somebody does not get in, with what to do."""
    return SignInError(code, zh, en, hint=Sentence("请从登录页重新开始。", "Begin again at the sign-in page."))


def claim(claims: Json, name: str) -> Any:  # noqa: ANN401 - whatever the issuer put there
    """The claim of that name, or the one that its dots lead to; ``None`` where there is none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _client_way(metadata: Json, secret: str) -> str:
    """How the client says who it is: by basic authentication unless the issuer takes the body only."""
    if not secret:
        return "none"
    ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    return "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"


def _json(text: bytes) -> Json:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _no_json() from error
    if not isinstance(found, dict):
        raise _no_json()
    return found


def _no_json() -> SourceError:
    return SourceError("oidc_json", "签发者的回答不是 JSON 对象。", "The issuer's answer is no JSON object.")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
