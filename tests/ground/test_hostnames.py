"""Domain names: whose they are, without asking the network."""

import socket

import pytest

from campaign import hostnames


@pytest.mark.parametrize(
    ("domain", "suffix", "registrable"),
    [
        ("maths.ox.ac.uk", "ac.uk", "ox.ac.uk"),
        ("uni-muenchen.de", "de", "uni-muenchen.de"),
        ("www.u-tokyo.ac.jp", "ac.jp", "u-tokyo.ac.jp"),
        ("cs.tsinghua.edu.cn", "edu.cn", "tsinghua.edu.cn"),
        ("mak.ac.ug", "ac.ug", "mak.ac.ug"),
        ("xn--fsqu00a.xn--fiqs8s", "xn--fiqs8s", "xn--fsqu00a.xn--fiqs8s"),
        ("it.put.poznan.pl", "poznan.pl", "put.poznan.pl"),  # a private registry
        ("ac.uk", "ac.uk", None),
        ("gov.br", "gov.br", None),
        ("com", "com", None),
        ("office.local", None, None),
        ("a..com", None, None),
        ("", None, None),
    ],
)
def test_suffix_and_owner(domain, suffix, registrable):
    assert hostnames.public_suffix(domain) == suffix
    assert hostnames.registrable_domain(domain) == registrable


@pytest.mark.parametrize("domain", ["rub.de", "stud.ruhr-uni-bochum.de"])
def test_a_university_in_the_suffix_list_still_owns_its_domain(domain):
    assert hostnames.registrable_domain(domain) in {"rub.de", "ruhr-uni-bochum.de"}


@pytest.mark.parametrize("domain", ["notrub.de", "trub.de"])
def test_a_look_alike_of_such_a_university_owns_itself(domain):
    assert hostnames.registrable_domain(domain) == domain


@pytest.mark.parametrize(
    ("typed", "in_the_dns"),
    [
        ("Example.ORG", "example.org"),
        (" www.example.org. ", "www.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("例子。中国", "xn--fsqu00a.xn--fiqs8s"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai"),
    ],
)
def test_a_domain_is_written_as_the_dns_has_it(typed, in_the_dns):
    assert hostnames.ascii_domain(typed) == in_the_dns


@pytest.mark.parametrize(
    "typed",
    ["", ".", "a..b", "a_b.org", "-a.org", "a b.org", "x" * 64 + ".org", "\ud800.org", "\x00"],
)
def test_what_is_no_domain_is_refused(typed):
    with pytest.raises(hostnames.InvalidDomain):
        hostnames.ascii_domain(typed)


@pytest.mark.parametrize(
    "domain",
    ["gmail.com", "qq.com", "vip.163.com", "mail.ru", "yahoo.co.in", "web.de", "uol.com.br"],
)
def test_free_mail_hosts_are_known(domain):
    assert hostnames.is_free_mail(domain)


@pytest.mark.parametrize(
    "domain", ["ox.ac.uk", "notgmail.com", "gmail.com.example.org", "com", "ac.uk", "", "local"]
)
def test_others_are_no_free_mail_hosts(domain):
    assert not hostnames.is_free_mail(domain)


def test_the_list_of_free_mail_hosts_holds_hosts_only():
    """An entry that is itself a public suffix would make a whole country's addresses free mail."""
    for host in hostnames._free_mail_domains():
        assert hostnames.registrable_domain(hostnames.ascii_domain(host)) == host


def test_the_suffix_list_is_read_from_the_disk(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("touched the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    assert hostnames._suffixes.__wrapped__().publicsuffix("ox.ac.uk") == "ac.uk"
