"""What containers keep is a short list that someone has to change on purpose."""

from paas.rules import hardening


def test_only_what_usual_images_need_is_kept() -> None:
    assert set(hardening.KEPT_CAPABILITIES) == {
        "CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "KILL", "NET_BIND_SERVICE",
    }  # fmt: skip
    assert hardening.DROPPED_CAPABILITIES == ("ALL",)


def test_set_user_id_programs_gain_nothing() -> None:
    assert "no-new-privileges:true" in hardening.SECURITY_OPTIONS


def test_logs_are_bounded() -> None:
    assert {"max-size", "max-file"} <= set(hardening.LOG_OPTIONS)
