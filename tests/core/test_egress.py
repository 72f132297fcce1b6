"""No spelling of an internal address, and no answer of a name server, leads inside."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.egress import EgressError, Target, addresses_of, is_public, parse_target
from core.errors import BadInputError

INTERNAL = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.0.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.251",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001:0:7f00:1::",
    "fe80::1",
    "fe80::1%2",
    "fec0::1",
    "fd00:ec2::254",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("text", INTERNAL)
def test_internal_addresses_are_refused(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))
    with pytest.raises(EgressError) as caught:
        addresses_of("name.example", 443, resolve=lambda _h, _p: [text])
    assert caught.value.code == "egress_internal"


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_taken(text: str) -> None:
    assert addresses_of("name.example", 443, resolve=lambda _h, _p: [text]) == [text]


def test_an_answer_that_mixes_public_and_internal_is_refused_whole() -> None:
    for answers in (["8.8.8.8", "10.0.0.1"], ["::1", "2606:4700:4700::1111"]):
        with pytest.raises(EgressError):
            addresses_of("rebind.example", 80, resolve=lambda _h, _p, a=answers: a)
    assert addresses_of("rebind.example", 80, allow_internal=True, resolve=lambda _h, _p: ["10.0.0.1"]) == ["10.0.0.1"]


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "0"])
def test_odd_spellings_of_loopback_are_refused_by_the_systems_own_reading(host: str) -> None:
    with pytest.raises(EgressError) as caught:
        addresses_of(parse_target(f"http://{host}/hook").host, 80)
    assert caught.value.code == "egress_internal"


def test_names_of_this_machine_are_refused_and_unknown_names_said_so() -> None:
    with pytest.raises(EgressError) as caught:
        addresses_of("localhost", 80)
    assert caught.value.code == "egress_internal"

    def nowhere(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "unknown")

    with pytest.raises(EgressError) as caught:
        addresses_of("nowhere.example", 80, resolve=nowhere)
    assert caught.value.code == "egress_unresolved"
    with pytest.raises(EgressError):
        addresses_of("a" * 70 + ".example", 80)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example@127.0.0.1/",
        "http://127.0.0.1:80@shop.example/",
        "http://shop.example\\@127.0.0.1/",
        "http://shop.example/\r\nX: y",
        "http://shop.example /",
        "\thttp://shop.example/",
        "http://[::1%25eth0]/",
        "http://%31%32%37.0.0.1/",
        "http://１２７.0.0.1/",
        "http://shop。example/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "//shop.example/",
        "shop.example",
        "http://",
        "http://:80/",
        "http://shop.example:0/",
        "http://shop.example:99999/",
        "http://shop.example:8o/",
        "http://[::1/",
        "http://shop.example/" + "a" * 3000,
        "",
    ],
)
def test_addresses_that_readers_understand_differently_are_refused(url: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_target(url)
    assert caught.value.code == "egress_address"
    assert "shop.example:80@" not in caught.value.sentence.en


def test_a_plain_address_is_taken_apart() -> None:
    assert parse_target("https://Shop.example/hook?a=1#part") == Target("https", "shop.example", 443, "/hook?a=1")
    assert parse_target("http://shop.example:8080").authority == "shop.example:8080"
    assert parse_target("https://[2606:4700::1]:443").authority == "[2606:4700::1]"


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"http://shop.example/{text}"):
        try:
            target = parse_target(url)
        except BadInputError:
            continue
        assert target.host
        assert target.path.startswith("/")
        assert not set(target.host) & set("@/\\ ?#")


@given(st.ip_addresses(v=4))
def test_an_address_inside_an_address_is_no_disguise(inner: ipaddress.IPv4Address) -> None:
    for disguised in (f"::ffff:{inner}", f"64:ff9b::{inner}"):
        assert is_public(ipaddress.ip_address(disguised)) == is_public(inner)
