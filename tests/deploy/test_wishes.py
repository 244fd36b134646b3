import tomllib

import pytest
from installer.steps import InstallError
from installer.wishes import read_wishes, write_config

from paas.settings import Settings


@pytest.fixture
def config(tmp_path, monkeypatch):
    path = tmp_path / "etc" / "paas.toml"
    monkeypatch.setenv("PAAS_CONFIG", str(path))
    return path


def test_the_environment_of_the_first_installation_is_written_down(config, monkeypatch):
    monkeypatch.setenv("PAAS_DOMAIN", 'exa"mple\\.com')
    monkeypatch.setenv("PAAS_SSH_PORT", "2022")
    assert write_config({"http_port": 8080})
    stored = tomllib.loads(config.read_text())
    assert (stored["domain"], stored["ssh_port"], stored["http_port"]) == ('exa"mple\\.com', 2022, 8080)


def test_what_is_written_is_what_the_platform_reads(config, monkeypatch):
    monkeypatch.setenv("PAAS_CREATE_APP_ON_PUSH", "false")
    write_config({"http_port": 8080, "https_port": 8443})
    monkeypatch.delenv("PAAS_CREATE_APP_ON_PUSH")
    settings = Settings()
    assert (settings.http_port, settings.https_port, settings.create_app_on_push) == (8080, 8443, False)


def test_the_file_is_never_touched_again(config, monkeypatch):
    write_config({"http_port": 8080})
    before = config.read_bytes()
    monkeypatch.setenv("PAAS_DOMAIN", "example.com")
    assert not write_config({"http_port": 80})
    assert config.read_bytes() == before
    assert read_wishes().domain == "example.com"  # but the environment counts more


def test_a_database_password_is_not_for_everybody(config, monkeypatch):
    monkeypatch.setenv("PAAS_DATABASE_URL", "postgresql+psycopg://paas:secret@db/paas")
    write_config({})
    assert config.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize(
    ("lines", "url"),
    [
        ("", "http://hello.localhost/"),
        ("http_port = 8080", "http://hello.localhost:8080/"),
        ('tls_cert = "/c"\ntls_key = "/k"', "https://hello.localhost/"),
        ('tls_cert = "/c"\ntls_key = "/k"\nhttps_port = 8443', "https://hello.localhost:8443/"),
    ],
)
def test_addresses_are_what_a_person_types(config, lines, url):
    config.parent.mkdir()
    config.write_text(lines)
    assert read_wishes().url("hello.localhost") == url


@pytest.mark.parametrize("text", ["http_port = ", 'http_port = "many"'])
def test_a_broken_file_is_one_line_that_says_what_to_do(config, text):
    config.parent.mkdir()
    config.write_text(text)
    with pytest.raises(InstallError) as failure:
        read_wishes()
    assert failure.value.hint.startswith("correct")


def test_a_second_installation_keeps_its_own_words_and_unit(config, monkeypatch):
    assert (read_wishes().wrapper.as_posix(), read_wishes().unit) == ("/usr/local/bin/paas", "paas.service")
    monkeypatch.setenv("PAAS_PREFIX", "/opt/paas-two")
    assert (read_wishes().wrapper.as_posix(), read_wishes().unit) == ("/opt/paas-two/bin/paas", "paas-paas-two.service")


@pytest.mark.parametrize(
    ("url", "packages"),
    [("", ()), ("sqlite:////x.db", ()), ("postgresql+psycopg://paas@db/paas", ("postgresql-client",))],
)
def test_a_database_on_postgresql_needs_its_programs(config, monkeypatch, url, packages):
    monkeypatch.setenv("PAAS_DATABASE_URL", url)
    assert read_wishes().packages == packages
