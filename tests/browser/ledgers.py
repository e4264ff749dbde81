"""The ledgers of the browser tests and of the pictures in the documents: lists of entries, the same at each run."""

import json
from datetime import datetime, timedelta, timezone

ENVIRONMENT = "scalable-ec2-us-west-2-shop"
GROUP = "scalable-ec2-asg-uswest2-shop"
HIGH, UP = "scalable-ec2-cpu-high-uswest2-shop", "scalable-ec2-scale-up-uswest2-shop"
LOW, DOWN = "scalable-ec2-cpu-low-uswest2-shop", "scalable-ec2-scale-down-uswest2-shop"
BEGIN = datetime(2026, 11, 30, 8, tzinfo=timezone.utc)
ZONES = ("us-west-2a", "us-west-2b", "us-west-2c")


def at(clock):
    """A time of the day as "9:41" or "9:41:30"."""
    hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
    return BEGIN.replace(hour=0) + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def ms(time):
    """A time in milliseconds since 1970."""
    return round(time.timestamp() * 1000)


def instance(number):
    """The id of an instance by its number."""
    return f"i-0{0x5C1D9E37 * (number + 3) % 2**32:08x}{0xA7B31F09 * (number + 1) % 2**32:08x}"


class Ledger:
    """A ledger in the making. Times are `datetime`s."""

    def __init__(self, environment=ENVIRONMENT):
        self.environment, self.entries = environment, []
        self.min, self.max, self.desired = 2, 8, 2
        # Instance → template version.
        self.running = {}

    def add(self, kind, outcome, time, **fields):
        fields = {name: value for name, value in fields.items() if value is not None}
        self.entries.append({
            "v": 1, "id": f"{kind}-{len(self.entries):020x}", "time": time.isoformat().replace("+00:00", "Z"),
            "environment": self.environment, "group": GROUP, "kind": kind, "outcome": outcome, "event": kind, **fields,
        })

    def text(self):
        return "".join(json.dumps(entry) + "\n" for entry in self.entries)

    def launch(self, number, time, version, seconds=95, cause=None, fails=None):
        """A launch that ends at this time; with `fails`, the launch gate abandons it for this reason."""
        name = instance(number)
        gate = "abandon" if fails else "continue"
        waits = time - timedelta(seconds=seconds * 0.6)
        decided = time - timedelta(seconds=1)
        self.add("lifecycle", "waiting", waits, instance=name, event="EC2 Instance-launch Lifecycle Action")
        self.add("gate", gate, decided, instance=name, seconds=(decided - waits).total_seconds(), reason=fails)
        more = dict(instance=name, zone=ZONES[number % 3], seconds=float(seconds), templateVersion=version, cause=cause)
        if fails:
            reason = "Instance failed to complete user's Lifecycle Action: Lifecycle Action was abandoned"
            self.add("launch", "cancelled", time, reason=reason, **more)
        else:
            self.add("launch", "successful", time, **more)
            self.running[name] = version

    def terminate(self, number, time, seconds=70, cause=None, drained=True):
        name = instance(number)
        drained_at = time - timedelta(seconds=20)
        reason = "drained" if drained else "the service web did not stop within 30 s"
        self.add("drain", "drained" if drained else "not-drained", drained_at, instance=name, seconds=seconds - 20.0, reason=reason)
        self.add("terminate", "successful", time, instance=name, seconds=float(seconds), cause=cause)
        self.running.pop(name, None)

    def alarm(self, name, outcome, time, reason):
        self.add("alarm", outcome, time, cause={"actor": "alarm", "alarm": name}, reason=reason)

    def scale(self, to, time, cause):
        change = {"desiredBefore": self.desired, "desiredAfter": to}
        self.add("capacity", "changed", time, cause={**cause, **change})
        self.desired = to

    def state(self, time):
        instances = {name: {"state": "InService", "templateVersion": version} for name, version in self.running.items()}
        state = {"min": self.min, "max": self.max, "desired": self.desired, "instances": instances}
        self.add("state", "observed", time, state=state)


def shop():
    """Eight hours of a shop: its create, a growing load, a failed launch, a Spot interruption, hours without a ledger, a bad
    rollout with its way back, and the rollout of the corrected version."""
    ledger = Ledger()
    high = {"actor": "alarm", "alarm": HIGH, "policy": UP}
    low = {"actor": "alarm", "alarm": LOW, "policy": DOWN}
    ledger.add("request", "started", at("8:05"), reason="Create")
    ledger.launch(1, at("8:09"), 1, cause={"actor": "difference"})
    ledger.launch(2, at("8:09:20"), 1, cause={"actor": "difference"})
    ledger.add("request", "responded", at("8:10"), reason="Create succeeded")
    for clock in ("8:12", "8:42", "9:12"):
        ledger.state(at(clock))
    ledger.alarm(HIGH, "alarm", at("9:30"), "Threshold Crossed: 3 datapoints [81.0, 84.5, 79.2] were greater than the threshold (70.0)")
    ledger.scale(4, at("9:30:30"), high)
    ledger.add(
        "launch", "failed", at("9:31:30"), zone="us-west-2b", seconds=12.0, failure="capacity", cause=high,
        reason="We currently do not have sufficient t3.micro capacity in the Availability Zone you requested (us-west-2b)",
    )
    ledger.launch(3, at("9:33"), 1, cause=high)
    ledger.launch(4, at("9:36"), 1, cause=high)
    ledger.state(at("9:42"))
    ledger.add(
        "remediation", "done", at("9:44"), reason="the topic operators is notified",
        cause={"actor": "alarm", "alarm": HIGH, "rule": "cpu-high: Notify operators"},
    )
    ledger.alarm(HIGH, "ok", at("9:58"), "Threshold Crossed: 3 datapoints [52.0, 48.1, 50.3] were not greater than the threshold (70.0)")
    ledger.state(at("10:12"))
    ledger.add(
        "interruption", "interruption-warning", at("10:20"), instance=instance(2),
        reason="EC2 terminates the Spot instance within two minutes",
    )
    ledger.terminate(2, at("10:22"), cause={"actor": "spot"}, drained=False)
    ledger.launch(5, at("10:25"), 1, cause={"actor": "spot"})
    ledger.state(at("10:42"))
    # Until 12:12 the ledger was not written.
    ledger.state(at("12:12"))
    ledger.add("request", "started", at("12:30"), reason="Update")
    ledger.add("rollout", "begun", at("12:31"), reason="version 2 replaces 4 instances, the canary first", templateVersion=2)
    ledger.add("refresh", "started", at("12:31:10"))
    ledger.state(at("12:42"))
    ledger.launch(6, at("12:36"), 2, seconds=240, cause={"actor": "refresh"}, fails="its user data failed at line 12; evidence in /aws/ec2/scalable-ec2-shop")
    failed = f"version 2 failed: instance {instance(6)} of version 2 is unhealthy: its user data failed at line 12"
    ledger.add("rollout", "failed", at("12:37"), reason=failed, templateVersion=2)
    ledger.add("refresh", "rollback-started", at("12:37:30"))
    ledger.add("refresh", "rollback-succeeded", at("12:41"))
    ledger.add("request", "responded", at("12:41:30"), reason=f"Update failed: {failed}")
    ledger.state(at("13:12"))
    ledger.add("request", "started", at("13:20"), reason="Update")
    ledger.add("rollout", "begun", at("13:21"), reason="version 3 replaces 4 instances, the canary first", templateVersion=3)
    for number, (old, clock) in enumerate([(1, "13:25"), (3, "13:35"), (4, "13:40"), (5, "13:45")], 7):
        ledger.launch(number, at(clock), 3, cause={"actor": "refresh"})
        ledger.terminate(old, at(clock) + timedelta(minutes=3), cause={"actor": "refresh"})
        if clock == "13:40":
            ledger.state(at("13:42"))
    ledger.add("rollout", "complete", at("13:50"), reason="4 instances run version 3", templateVersion=3)
    ledger.add("request", "responded", at("13:50:30"), reason="Update succeeded")
    ledger.state(at("14:12"))
    ledger.alarm(LOW, "alarm", at("14:30"), "Threshold Crossed: 3 datapoints [11.0, 9.4, 12.2] were less than the threshold (30.0)")
    for to, number, clock in ((3, 10, "14:31"), (2, 9, "14:52")):
        ledger.scale(to, at(clock), low)
        ledger.terminate(number, at(clock) + timedelta(seconds=110), cause=low)
        if clock == "14:31":
            ledger.state(at("14:42"))
    ledger.state(at("15:12"))
    ledger.alarm(LOW, "insufficient-data", at("15:20"), "Insufficient Data: 1 datapoint was unknown")
    ledger.add("other", "unrecognized", at("15:31"), event="EC2 Auto Scaling Group Changed")
    ledger.state(at("15:42"))
    return ledger


def fleet():
    """A fleet of ninety instances that three rollouts replace, more than have a bar each."""
    ledger = Ledger()
    ledger.min, ledger.max, ledger.desired = 60, 120, 90
    for number in range(90):
        ledger.running[instance(number)] = 4
    ledger.state(at("8:00"))
    time, newest = at("8:20"), 90
    for version in (5, 6, 7):
        ledger.add("rollout", "begun", time, reason=f"version {version} replaces 90 instances, the canary first", templateVersion=version)
        for index in range(90):
            time += timedelta(seconds=75)
            ledger.launch(newest, time, version, cause={"actor": "refresh"})
            ledger.terminate(newest - 90, time + timedelta(seconds=30), cause={"actor": "refresh"})
            newest += 1
            if index % 20 == 0:
                ledger.state(time)
        ledger.add("rollout", "complete", time, reason=f"90 instances run version {version}", templateVersion=version)
        time += timedelta(minutes=20)
    for _ in range(3):
        ledger.state(time)
        time += timedelta(minutes=30)
    return ledger


def crowded():
    """Two alarms that change their states every few seconds, and fifty instances that come and go: marks fold, bars are low."""
    ledger = Ledger()
    for index in range(1_500):
        time = BEGIN + timedelta(seconds=19 * index)
        ledger.alarm((HIGH, LOW)[index % 2], "ok" if index % 4 > 1 else "alarm", time, "Threshold Crossed: 1 datapoint [91.0] was greater than the threshold (70.0)")
        if index % 30 == 0:
            ledger.launch(index // 30, time, 1 + index // 300, cause={"actor": "alarm", "alarm": HIGH, "policy": UP})
            ledger.scale(2 + index // 30 % 6, time, {"actor": "alarm", "alarm": HIGH, "policy": UP})
        if index % 30 == 20 and index > 200:
            ledger.terminate(index // 30 - 4, time, cause={"actor": "alarm", "alarm": LOW, "policy": DOWN})
        if index % 90 == 0:
            ledger.state(time)
    return ledger


# Texts that other systems and users choose. Each would set `window.ran` if it were markup, or break the document.
HOSTILE = (
    "<script>window.ran = 1</script>",
    '<img src="x" onerror="window.ran = 2">',
    '" onfocus="window.ran = 3" autofocus="',
    "' onmouseover='window.ran = 4",
    "</title></svg><iframe srcdoc='<script>parent.ran = 5</script>'></iframe>",
    "</td></tr></table><svg onload='window.ran = 6'>",
    "]]><!--",
    "&lt;b&gt; &#60;script&#62;",
    "javascript:window.ran=7",
    "\u202eesrever \u0007 \U0001f680 日本語の名前",
)


def hostile():
    """Each hostile text as the name of an alarm, a reason, an instance, a zone and the environment."""
    ledger = Ledger(HOSTILE[1])
    for index, text in enumerate(HOSTILE):
        time = BEGIN + timedelta(minutes=40 * index)
        ledger.alarm(text, "alarm", time, text)
        ledger.add("request", "started", time, reason=text)
        ledger.add("rollout", text, time, reason=text)
        ledger.add("launch", "successful", time, instance=f"{text}{index}", zone=text, seconds=95.0, templateVersion=index, cause={"actor": "other", "text": text})
        ledger.add("other", text, time, event=text)
    return ledger


END = BEGIN + timedelta(hours=8)
ALL = {"shop": shop, "fleet": fleet, "crowded": crowded, "hostile": hostile}
