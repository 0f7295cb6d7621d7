"""Made-up days, as events of a story: everything that can happen to a few people, at moments near the edges."""

from random import Random

PEOPLE = (1, 2, 3)
_FLAGS = ("awake", "out", "sos", "fire", "gas", "fall", "mains_lost", "low_battery")
_EDGES = ("05:59", "06:00", "08:59", "09:05", "09:15", "09:29", "09:30", "09:31", "10:29", "10:30", "12:59", "13:00",
          "15:29", "15:30", "15:31", "23:59")


def _clock(dice: Random) -> str:
    return dice.choice(_EDGES) if dice.random() < 0.4 else f"{dice.randrange(24):02d}:{dice.randrange(60):02d}"


def _report(dice: Random, day: int) -> str:
    words = [f"report {dice.choice(PEOPLE)}"]
    words += [flag for flag in _FLAGS if dice.random() < (0.45 if flag == "awake" else 0.1)]
    if dice.random() < 0.6:
        named = max(1, day - dice.choice((0, 0, 0, 1, 2, 8, 9, -1)))
        words.append(f"for {named}-{dice.choice(('morning', 'afternoon'))}")
    if dice.random() < 0.3:
        words.append(f"device {max(1, day - dice.choice((0, 0, 1, 3)))} {_clock(dice)}")
    elif dice.random() < 0.15:
        words.append(dice.choice(("clockless", "clock 2024-12-31T23:59:59Z", f"device {day + 1} {_clock(dice)}")))
    if dice.random() < 0.4:
        codes = dice.choices(("unknown", "awake", "not_awake", "out"), k=dice.randint(1, 16))
        words.append("before " + ",".join(codes))
    for name, values in (("idle", (0, 5, 719, 720, 1440, 2160, 4320)), ("battery", (0, 14, 15, 19, 25, 100)),
                         ("signal", (-120, -106, -105, -102, -100, -50)), ("temp", (-10, 4, 5, 6, 32, 33, 34)),
                         ("faults", (0, 1)), ("activity", (15, 15, 1))):
        if dice.random() < 0.25:
            words.append(f"{name} {dice.choice(values)}")
    if dice.random() < 0.2:
        kind, minutes = dice.choice(("sos", "fire", "gas", "fall", "9")), dice.choice((0, 14, 16, 60, 1439, 1441))
        words.append(f"alarm {kind} {minutes}")
    words += ["listens"] if dice.random() < 0.7 else []
    if dice.random() < 0.2:
        words.append(f"answers {dice.randint(1, 7)}")
    if dice.random() < 0.1:
        words.append(f"counter {dice.randint(1, 600)}")
    return " ".join(words)


def _other(dice: Random, day: int) -> str:
    person = dice.choice(PEOPLE)
    alert = dice.choice((f"{person}:no_report:{day}-morning", f"{person}:not_awake:{day}-morning",
                         f"{person}:no_report:{day}-afternoon", f"{person}:long_out:0.1.{dice.randint(1, 9)}",
                         f"{person}:sos:0.1.{dice.randint(1, 9)}"))
    return dice.choice((
        "tick", "tick", "tick", "tick", "tick clock", "tick busan-1",
        f"tick quiet {day} {_clock(dice)}", f"again {person}",
        f"kim acknowledge {alert}", f"lee acknowledge {alert}", f"kim assign {alert} lee", f"kim comment {alert} hello",
        f"kim unacknowledge {alert}", f"kim reopen {alert}", f"kim comment {alert} outcome=no_answer",
        f"kim resolve {alert}", f"kim resolve {alert} outcome=visited",
        f"kim excuse {person} {day} {day + dice.randint(0, 2)}",
        f"kim unexcuse {person} {day} {day + dice.randint(0, 2)}"))


def _registry(dice: Random) -> str:
    person, closes = dice.choice(PEOPLE), dice.choice(("08:00", "11:00"))
    return dice.choice((
        f"registry {person}", f'registry {person} {{"grace_min": {dice.choice((0, 30, 60))}}}',
        f'registry {person} {{"gateway": "{dice.choice(("seoul-1", "busan-1"))}"}}',
        f'registry {person} {{"retired": {dice.choice(("true", "false"))}}}',
        f'registry {person} {{"windows": {{"morning": {{"open": "07:00", "close": "{closes}"}}}}}}',
        f'registry {person} {{"escalation": [{{"after_min": {dice.choice((0, 5, 30))}, "to": "lead"}}]}}',
        f'registry {person} {{"remind": {{"urgent_min": {dice.choice((0, 1, 30))}, "other_min": 5}}}}',
        f'registry {person} {{"ask_min": {dice.choice(("[]", "[5, 15, 25]", "[0]"))}}}',
        f"tombstone {person}"))


def made_up(seed: int, days: int = 4, events: int = 40) -> list[str]:
    """Some days in order of time, except a few events at random places."""
    dice = Random(seed)
    story = [f'registry {person} {{"ask_min": [5, 15, 25], "slots": [[0, 1, "+821012345678"]]}}' for person in PEOPLE]
    story += ["20 05:00 tick", "20 05:00 tick busan-1"]
    for day in range(20, 20 + days):
        moments = sorted(_clock(dice) for _ in range(events))
        for clock in moments:
            if dice.random() < 0.05:
                story.append(_registry(dice))
            what = _report(dice, day) if dice.random() < 0.6 else _other(dice, day)
            if what.startswith("again") and not any(f"report {what[6:]}" in line for line in story):
                continue
            story.append(f"{day} {clock if dice.random() < 0.95 else _clock(dice)} {what}")
    return story
