"""Signing in by OpenID Connect: the code flow with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636).

Discovery, keys and tokens are fetched through the egress guard; an issuer inside is refused unless the settings allow
it. A token counts only if its signature, issuer, audience, nonce and times hold.
"""

import hmac
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

from api.auth.issuer import Issuer, json_object
from core.access import Role, SignInError
from core.errors import Sentence
from core.fetch import Fetcher
from core.shapes import Json

PENDING_S = 600.0
_PENDING = 1000
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
        self._issuer = Issuer(options.issuer, fetcher)
        self._lock = threading.Lock()
        self._pending: OrderedDict[str, Begun] = OrderedDict()

    def begin(self) -> Begun:
        """A new sign-in. Raises `EgressError`, `SourceError`, `BusyError` where the issuer cannot be asked."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        options = self.options
        url = prepare_grant_uri(
            self._issuer.metadata()["authorization_endpoint"],
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

        Raises `SignInError` for anything that does not fit, the others as `begin`; after `BusyError` it may be
        tried again.
        """
        with self._issuer.exchange():
            found = self._issuer.metadata()
            answer = self._exchanged(found, code, begun := self._taken(browser, state))
            return self._checked(str(answer.get("id_token", "")), str(answer.get("access_token", "")), begun.nonce)

    def _taken(self, browser: str, state: str) -> Begun:
        with self._lock:
            begun = self._pending.pop(browser, None)
        if begun is None or begun.until < time.monotonic() or not _same(begun.state, state):
            raise refusal(
                "oidc_state", "登录已过期或不是从本页开始的。", "The sign-in is too old or did not begin here."
            )
        return begun

    def _exchanged(self, found: Json, code: str, begun: Begun) -> Json:
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
        answer = self._issuer.post(url, headers, body)
        if answer.status != 200:
            raise refusal("oidc_code", "签发者不认可这次登录。", "The issuer does not confirm this sign-in.")
        return json_object(answer.body)

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
            return jwt.decode(token, self._issuer.keys(), algorithms=_ALGORITHMS)
        except (JoseError, ValueError):
            return jwt.decode(token, self._issuer.keys(_AGAIN_S), algorithms=_ALGORITHMS)


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


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
