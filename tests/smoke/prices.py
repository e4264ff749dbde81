"""The cost of the smoke test, from a short price list."""

# US dollars, on demand, Linux. AWS charges for public addresses since 2024-02-01.
REGION = "us-east-1"
LIST = f"list prices of {REGION}, instances on 2026-01-19, CloudWatch on 2026-05-04, without a free tier; other regions differ"
INSTANCE_HOUR = {"t3.micro": 0.0104, "t4g.micro": 0.0084, "t4g.nano": 0.0042}
PUBLIC_ADDRESS_HOUR = 0.005
GP3_GB_MONTH = 0.08
ALARM_MONTH = 0.10
METRIC_MONTH = 0.30
DASHBOARD_MONTH = 3.00
LAMBDA_GB_SECOND = 0.0000133334
LAMBDA_MILLION = 0.20
SQS_MILLION = 0.50
DYNAMODB_MILLION_WRITES = 0.625
S3_THOUSAND_READS = 0.0004
CLOUDWATCH_THOUSAND = 0.01
HOURS_PER_MONTH = 730

# The consumption of a run, rounded up. Alarms, metrics and dashboards are charged by the hour, and each environment starts a new
# hour.
MINUTES = (25, 40)
INSTANCE_HOURS = 1.0
ALARMS, METRICS, DASHBOARDS = 13, 30, 3
INVOCATIONS, SECONDS_EACH = 3_000, 0.5
MESSAGES, RECORDS, S3_READS, CLOUDWATCH_CALLS = 6_000, 4_000, 8_000, 1_500


def cost(instance_type):
    """The cost of each billed item."""
    disk = 8 * GP3_GB_MONTH / HOURS_PER_MONTH
    hour = INSTANCE_HOUR[instance_type] + PUBLIC_ADDRESS_HOUR + disk
    monitoring = ALARMS * ALARM_MONTH + METRICS * METRIC_MONTH + DASHBOARDS * DASHBOARD_MONTH
    functions = INVOCATIONS * (SECONDS_EACH * 0.25 * LAMBDA_GB_SECOND + LAMBDA_MILLION / 1e6)
    queues = MESSAGES * SQS_MILLION / 1e6 + RECORDS * DYNAMODB_MILLION_WRITES / 1e6
    reads = S3_READS * S3_THOUSAND_READS / 1e3 + CLOUDWATCH_CALLS * CLOUDWATCH_THOUSAND / 1e3
    return {
        f"{INSTANCE_HOURS:.0f} hour of {instance_type} with 8 GB and a public address": INSTANCE_HOURS * hour,
        f"{ALARMS} alarms, {METRICS} metrics, {DASHBOARDS} dashboards, an hour each": monitoring / HOURS_PER_MONTH,
        "the functions, their queues and records": functions + queues,
        "reads of buckets and of CloudWatch": reads,
    }


def per_day(instance_type):
    """The cost of each day on which the environment with two instances is left behind."""
    month = 2 * 8 * GP3_GB_MONTH + 5 * ALARM_MONTH + 14 * METRIC_MONTH + DASHBOARD_MONTH
    return 24 * (2 * (INSTANCE_HOUR[instance_type] + PUBLIC_ADDRESS_HOUR) + month / HOURS_PER_MONTH)
