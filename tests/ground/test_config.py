"""Settings: read once, checked at start, every problem told at once."""

import stat
from dataclasses import fields

import pytest

from campaign.config import ConfigError, Settings, local_keys

GOOD = {"DATABASE_URL": "postgresql://localhost/lightup", "SECRET_KEY": "x" * 32}


def problems(**different):
    with pytest.raises(ConfigError) as refused:
        Settings.from_env(GOOD | different)
    return refused.value.problems


def test_two_settings_are_enough():
    settings = Settings.from_env(GOOD)

    assert (settings.site_url, settings.broker_url, settings.web_workers) == (
        "http://localhost:8000",
        "postgresql:",
        2,
    )


def test_an_empty_environment_is_told_what_it_lacks():
    with pytest.raises(ConfigError) as refused:
        Settings.from_env({})

    assert [problem.split()[0] for problem in refused.value.problems] == [
        "DATABASE_URL",
        "SECRET_KEY",
    ]


def test_all_problems_are_told_at_once():
    found = problems(
        DATABASE_URL="mysql://localhost", SECRET_KEY="short", WEB_WORKERS="many", TESTING="perhaps"
    )

    assert [problem.split()[0] for problem in found] == [
        "DATABASE_URL",
        "SECRET_KEY",
        "WEB_WORKERS",
        "TESTING",
    ]
    assert all(problem.endswith(".") for problem in found)


def test_the_error_lists_its_problems_line_by_line():
    with pytest.raises(ConfigError, match=r"(?s)- DATABASE_URL .*\n- SECRET_KEY ") as refused:
        Settings.from_env({})

    assert len(str(refused.value).splitlines()) == 2


def test_a_secret_is_never_repeated_in_an_error():
    assert "hunter2" not in "".join(problems(SECRET_KEY="hunter2"))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_form_of_a_database_url_means_the_same(scheme):
    rest = "://user:pass@db.example:5433/lightup?sslmode=require"

    settings = Settings.from_env(GOOD | {"DATABASE_URL": scheme + rest})

    assert settings.database_url == "postgresql+psycopg" + rest


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite:///x.db"), ("DATABASE_URL", "postgresql+psycopg2://localhost/x"),
        ("SITE_URL", "lightup.example"), ("SITE_URL", "ftp://lightup.example"), ("SITE_URL", "https://"),
        ("SITE_URL", "https://lightup.example/path"), ("SITE_URL", "https:"),
        ("BROKER_URL", "kafka://localhost"), ("SMTP_URL", "http://localhost"), ("LIMITER_URL", "memcached://localhost"),
        ("SECRET_KEY", "x" * 31), ("TRUSTED_PROXIES", "-1"), ("WEB_THREADS", "0"), ("WEB_THREADS", "1.5"),
        ("WEB_THREADS", "²"), ("WEB_THREADS", "--5"), ("TESTING", "2"), ("MAILS_PER_ADDRESS", "0"),
        ("MAIL_FROM", "Our Office"), ("MAIL_FROM", "office@"), ("CONTACT_ADDRESS", "somewhere"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_by_name(name, value):
    (problem,) = problems(**{name: value})

    assert problem.startswith(f"{name} must ")


@pytest.mark.parametrize(
    ("name", "value", "meaning"),
    [
        ("SITE_URL", "https://lightup.example/", "https://lightup.example"),
        ("WEB_WORKERS", " 4 ", 4), ("TESTING", "Yes", True), ("TESTING", "off", False),
        ("SMTP_URL", "smtp+starttls://u:p@mail.example:587", "smtp+starttls://u:p@mail.example:587"),
        ("BROKER_URL", "redis://localhost:6379/1", "redis://localhost:6379/1"),
        ("MAIL_FROM", "Office <office@example.org>", "Office <office@example.org>"), ("WEB_WORKERS", "  ", 2),
    ],
)  # fmt: skip
def test_values_are_read_as_they_are_meant(name, value, meaning):
    assert getattr(Settings.from_env(GOOD | {name: value}), name.lower()) == meaning


def test_every_setting_explains_itself():
    assert all(setting.metadata["help"] for setting in fields(Settings))


def test_every_default_would_be_accepted_from_the_environment():
    """A default is never parsed, and so could be what no operator may write."""
    defaults = {
        s.name.upper(): ",".join(s.default) if isinstance(s.default, tuple) else str(s.default)
        for s in fields(Settings)
        if s.default is not None
    }

    assert Settings.from_env(GOOD | defaults) == Settings.from_env(GOOD)


def test_the_host_of_the_site_is_that_of_its_address():
    settings = Settings.from_env(GOOD | {"SITE_URL": "https://lightup.example:8443/"})

    assert settings.site_host == "lightup.example"


def test_settings_do_not_change():
    with pytest.raises(AttributeError):
        Settings.from_env(GOOD).testing = True


def test_a_one_command_instance_keeps_keys_of_its_own(tmp_path):
    first = local_keys(tmp_path)

    assert local_keys(tmp_path) == first
    assert Settings.from_env(GOOD | first)
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "hash_key").stat().st_mode) == 0o600
    assert first["SECRET_KEY"] != first["HASH_KEY"]


def test_a_one_command_instance_with_one_key_goes_on_with_it(tmp_path):
    (tmp_path / "secret_key").write_text("y" * 64)

    assert local_keys(tmp_path) == {"SECRET_KEY": "y" * 64, "HASH_KEY": "y" * 64}


def test_an_instance_with_one_key_hashes_with_it():
    assert Settings.from_env(GOOD).permanent_key == "x" * 32
    assert Settings.from_env(GOOD | {"HASH_KEY": "y" * 32}).permanent_key == "y" * 32


def test_earlier_keys_are_separated_by_commas():
    fallbacks = f"{'y' * 32}, {'z' * 32}"

    assert Settings.from_env(GOOD | {"SECRET_KEY_FALLBACKS": fallbacks}).secret_key_fallbacks == (
        "y" * 32,
        "z" * 32,
    )
    assert problems(SECRET_KEY_FALLBACKS=f"{'y' * 32},short")
