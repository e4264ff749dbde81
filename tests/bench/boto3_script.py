"""The environment that Envkeeper creates by default, as a user would script it with boto3: one call after another.

The script creates all resources, waits until the instance is in service, deletes all resources, and prints the calls and seconds
of both as JSON. The script is the baseline of `make bench`: no part is slower than necessary.

    python boto3_script.py --suffix script
"""

import argparse
import base64
import json
import time
from collections import Counter

import boto3
from botocore.exceptions import ClientError

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
MANAGED = ("AmazonSSMManagedInstanceCore", "CloudWatchAgentServerPolicy")
RETENTION = 30  # days

USER_DATA = """#!/bin/bash
set -euo pipefail
exec > >(tee -a /var/log/user-data.log) 2>&1
systemctl enable amazon-ssm-agent
systemctl start amazon-ssm-agent
systemctl is-active --quiet amazon-ssm-agent
dnf install -y amazon-cloudwatch-agent rsyslog
systemctl enable --now rsyslog
mkdir -p /opt/aws/amazon-cloudwatch-agent/etc
cat > /opt/aws/amazon-cloudwatch-agent/etc/agent.json <<'CONFIG'
{
  "logs": { "logs_collected": { "files": { "collect_list": [
    { "file_path": "/var/log/messages", "log_group_name": "LOG_GROUP", "log_stream_name": "{instance_id}/messages" },
    { "file_path": "/var/log/user-data.log", "log_group_name": "LOG_GROUP", "log_stream_name": "{instance_id}/user-data" }
  ] } } },
  "metrics": { "metrics_collected": {
    "mem": { "measurement": ["mem_used_percent"] },
    "disk": { "measurement": ["used_percent"], "resources": ["/"] }
  } }
}
CONFIG
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s \\
  -c file:/opt/aws/amazon-cloudwatch-agent/etc/agent.json
"""


class ScriptedEnvironment:
    """One environment, with the ids of the created resources for their deletion."""

    def __init__(self, session, suffix, poll):
        self.suffix = suffix
        self.poll = poll
        self.region = session.region_name
        self.ec2, self.iam, self.s3, self.logs = (session.client(it) for it in ("ec2", "iam", "s3", "logs"))
        self.auto_scaling, self.cloudwatch = session.client("autoscaling"), session.client("cloudwatch")
        self.ssm, self.sts, self.buckets = session.client("ssm"), session.client("sts"), session.resource("s3")

    def name(self, kind):
        return f"scripted-{kind}-{self.suffix}"

    def tags(self, kind):
        return [{"Key": "Name", "Value": self.name(kind)}, {"Key": "Environment", "Value": self.suffix}]

    def tagged(self, resource_type, kind):
        return {"TagSpecifications": [{"ResourceType": resource_type, "Tags": self.tags(kind)}]}

    def create(self):
        self.account = self.sts.get_caller_identity()["Account"]
        self.create_network()
        self.create_egress()
        self.create_buckets()
        self.create_log_groups()
        self.create_identity()
        self.create_template()
        self.create_group()
        self.create_monitoring()

    def create_network(self):
        zones = self.ec2.describe_availability_zones(Filters=[{"Name": "state", "Values": ["available"]}])
        zones = [zone["ZoneName"] for zone in zones["AvailabilityZones"]][:2]
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", **self.tagged("vpc", "vpc"))["Vpc"]["VpcId"]
        self.ec2.get_waiter("vpc_available").wait(VpcIds=[self.vpc])
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        self.public = [self.create_subnet(f"public{n}", zone, n - 1) for n, zone in enumerate(zones, 1)]
        self.private = [self.create_subnet(f"private{n}", zone, n + 3) for n, zone in enumerate(zones, 1)]
        response = self.ec2.create_security_group(
            GroupName=self.name("instances-sg"),
            Description="Instances: no inbound traffic",
            VpcId=self.vpc,
            **self.tagged("security-group", "instances-sg"),
        )
        self.security_group = response["GroupId"]

    def create_subnet(self, kind, zone, part):
        parameters = {"VpcId": self.vpc, "AvailabilityZone": zone, "CidrBlock": f"10.0.{32 * part}.0/19"}
        return self.ec2.create_subnet(**parameters, **self.tagged("subnet", kind))["Subnet"]["SubnetId"]

    def create_egress(self):
        response = self.ec2.create_internet_gateway(**self.tagged("internet-gateway", "igw"))
        self.gateway = response["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        public = self.create_route_table("public-rt", self.public, GatewayId=self.gateway)
        response = self.ec2.allocate_address(Domain="vpc", **self.tagged("elastic-ip", "nat1-ip"))
        self.address = response["AllocationId"]
        parameters = {"SubnetId": self.public[0], "AllocationId": self.address}
        response = self.ec2.create_nat_gateway(**parameters, **self.tagged("natgateway", "nat1"))
        self.nat = response["NatGateway"]["NatGatewayId"]
        self.ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[self.nat])
        private = self.create_route_table("private-rt", self.private, NatGatewayId=self.nat)
        self.route_tables = [public, private]

    def create_route_table(self, kind, subnets, **target):
        response = self.ec2.create_route_table(VpcId=self.vpc, **self.tagged("route-table", kind))
        table = response["RouteTable"]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
        served = [self.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet) for subnet in subnets]
        return table, [association["AssociationId"] for association in served]

    def create_buckets(self):
        """Creates both buckets. S3 encrypts every new bucket by itself."""
        self.data, self.access_logs = self.create_bucket("data"), self.create_bucket("logs")
        delivery = {
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{self.access_logs}/access-logs/*",
            "Condition": {
                "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{self.data}"},
                "StringEquals": {"aws:SourceAccount": self.account},
            },
        }
        policy = document(delivery, tls_only(self.access_logs))
        self.s3.put_bucket_policy(Bucket=self.access_logs, Policy=policy)
        expiry = {"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": RETENTION}}
        self.s3.put_bucket_lifecycle_configuration(
            Bucket=self.access_logs, LifecycleConfiguration={"Rules": [expiry]}
        )
        self.s3.put_bucket_versioning(Bucket=self.data, VersioningConfiguration={"Status": "Enabled"})
        self.s3.put_bucket_policy(Bucket=self.data, Policy=document(tls_only(self.data)))
        logging = {"LoggingEnabled": {"TargetBucket": self.access_logs, "TargetPrefix": "access-logs/"}}
        self.s3.put_bucket_logging(Bucket=self.data, BucketLoggingStatus=logging)

    def create_bucket(self, kind):
        bucket = f"{self.name(kind)}-{self.account}"
        configuration = {"Tags": self.tags(kind)}
        if self.region != "us-east-1":
            configuration["LocationConstraint"] = self.region
        self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=configuration)
        self.s3.get_waiter("bucket_exists").wait(Bucket=bucket)
        sides = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        blocked = {side: True for side in sides}
        self.s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocked)
        return bucket

    def create_log_groups(self):
        self.log_groups = [f"/aws/autoscaling/scripted-{self.suffix}", f"/aws/ec2/scripted-{self.suffix}"]
        for group in self.log_groups:
            self.logs.create_log_group(logGroupName=group, tags={"Environment": self.suffix})
            self.logs.put_retention_policy(logGroupName=group, retentionInDays=RETENTION)

    def create_identity(self):
        role, profile = self.name("role"), self.name("profile")
        trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        self.iam.create_role(RoleName=role, AssumeRolePolicyDocument=document(trust), Tags=self.tags("role"))
        for policy in MANAGED:
            self.iam.attach_role_policy(RoleName=role, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        bucket = f"arn:aws:s3:::{self.data}"
        streams = f"arn:aws:logs:{self.region}:{self.account}:log-group:{self.log_groups[1]}:*"
        policy = document(
            allow(["s3:GetBucketLocation", "s3:ListBucket"], bucket),
            allow(["s3:DeleteObject", "s3:GetObject", "s3:PutObject"], f"{bucket}/*"),
            allow(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], streams),
        )
        self.iam.put_role_policy(RoleName=role, PolicyName=self.name("policy"), PolicyDocument=policy)
        self.iam.create_instance_profile(InstanceProfileName=profile, Tags=self.tags("profile"))
        self.iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
        self.iam.get_waiter("instance_profile_exists").wait(InstanceProfileName=profile)

    def create_template(self):
        script = USER_DATA.replace("LOG_GROUP", self.log_groups[1])
        disk = {"VolumeSize": 8, "VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}
        data = {
            "ImageId": self.ssm.get_parameter(Name=IMAGE)["Parameter"]["Value"],
            "InstanceType": "t3.micro",
            "IamInstanceProfile": {"Name": self.name("profile")},
            "SecurityGroupIds": [self.security_group],
            "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": disk}],
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
            "Monitoring": {"Enabled": True},
            "UserData": base64.b64encode(script.encode()).decode(),
            "TagSpecifications": [{"ResourceType": "volume", "Tags": self.tags("asg")}],
        }
        parameters = {"LaunchTemplateName": self.name("template"), "LaunchTemplateData": data}
        response = self.ec2.create_launch_template(**parameters, **self.tagged("launch-template", "template"))
        self.template = response["LaunchTemplate"]["LaunchTemplateId"]

    def create_group(self):
        group = self.name("asg")
        self.when_the_profile_is_known(
            AutoScalingGroupName=group,
            MinSize=1,
            MaxSize=3,
            DesiredCapacity=1,
            VPCZoneIdentifier=",".join(self.private),
            LaunchTemplate={"LaunchTemplateId": self.template, "Version": "1"},
            HealthCheckGracePeriod=300,
            Tags=[{**tag, "PropagateAtLaunch": True} for tag in self.tags("asg")],
        )
        self.auto_scaling.enable_metrics_collection(AutoScalingGroupName=group, Granularity="1Minute")
        self.up, self.down = self.create_policy("scale-up", 1), self.create_policy("scale-down", -1)
        while not any(it["LifecycleState"] == "InService" for it in self.group()["Instances"]):
            time.sleep(self.poll)

    def when_the_profile_is_known(self, **parameters):
        """Retries until Auto Scaling knows the instance profile, some ten seconds after IAM returned it."""
        while True:
            try:
                return self.auto_scaling.create_auto_scaling_group(**parameters)
            except ClientError as error:
                if "Invalid IAM Instance Profile" not in str(error):
                    raise
                time.sleep(self.poll)

    def create_policy(self, kind, by):
        parameters = {"PolicyType": "SimpleScaling", "AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": by, "Cooldown": 300}
        group, name = self.name("asg"), self.name(kind)
        return self.auto_scaling.put_scaling_policy(AutoScalingGroupName=group, PolicyName=name, **parameters)["PolicyARN"]

    def group(self):
        found = self.auto_scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name("asg")])
        return next(iter(found["AutoScalingGroups"]), None)

    def create_monitoring(self):
        of_group = {"Dimensions": [{"Name": "AutoScalingGroupName", "Value": self.name("asg")}]}
        cpu = {"Namespace": "AWS/EC2", "MetricName": "CPUUtilization", "Statistic": "Average", "EvaluationPeriods": 3}
        at_least, at_most = "GreaterThanOrEqualToThreshold", "LessThanOrEqualToThreshold"
        self.alarm("cpu-high", at_least, 70, AlarmActions=[self.up], **cpu, **of_group)
        self.alarm("cpu-low", at_most, 30, AlarmActions=[self.down], **cpu, **of_group)
        failures = {"Namespace": "Scripted", "MetricName": "LaunchFailures", "Statistic": "Sum", "EvaluationPeriods": 1}
        self.alarm("launch-failures", at_least, 1, Period=300, **failures, **of_group)
        rollout = {**failures, "MetricName": "RolloutFailed"}
        self.alarm("rollout-failed", at_least, 1, Period=300, **rollout, **of_group)
        healthy = {"Namespace": "AWS/AutoScaling", "MetricName": "GroupInServiceInstances", "Statistic": "Minimum"}
        self.alarm("healthy-low", "LessThanThreshold", 1, EvaluationPeriods=10, **healthy, **of_group)
        metric = ["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", self.name("asg")]
        graph = {"title": "CPU", "region": self.region, "view": "timeSeries", "period": 60, "metrics": [metric]}
        body = {"widgets": [{"type": "metric", "width": 12, "height": 6, "properties": graph}]}
        self.cloudwatch.put_dashboard(DashboardName=self.name("dashboard"), DashboardBody=json.dumps(body))

    def alarm(self, kind, comparison, threshold, **rule):
        parameters = {"ComparisonOperator": comparison, "Threshold": threshold, "Period": 60, **rule}
        self.cloudwatch.put_metric_alarm(AlarmName=self.name(kind), Tags=self.tags(kind), **parameters)

    def delete(self):
        self.delete_monitoring_and_group()
        self.delete_identity()
        self.delete_buckets()
        for group in self.log_groups:
            self.logs.delete_log_group(logGroupName=group)
        self.delete_network()

    def delete_monitoring_and_group(self):
        """Deletes the alarms and the group. The delete of the group includes the policies, and terminates the instances first."""
        alarms = [self.name(kind) for kind in ("cpu-high", "cpu-low", "launch-failures", "healthy-low", "rollout-failed")]
        self.cloudwatch.delete_dashboards(DashboardNames=[self.name("dashboard")])
        self.cloudwatch.delete_alarms(AlarmNames=alarms)
        self.auto_scaling.delete_auto_scaling_group(AutoScalingGroupName=self.name("asg"), ForceDelete=True)
        while self.group():
            time.sleep(self.poll)
        self.ec2.delete_launch_template(LaunchTemplateId=self.template)

    def delete_identity(self):
        role, profile = self.name("role"), self.name("profile")
        self.iam.remove_role_from_instance_profile(InstanceProfileName=profile, RoleName=role)
        self.iam.delete_instance_profile(InstanceProfileName=profile)
        self.iam.delete_role_policy(RoleName=role, PolicyName=self.name("policy"))
        for policy in MANAGED:
            self.iam.detach_role_policy(RoleName=role, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        self.iam.delete_role(RoleName=role)

    def delete_buckets(self):
        self.s3.put_bucket_logging(Bucket=self.data, BucketLoggingStatus={})
        for bucket in (self.data, self.access_logs):
            self.buckets.Bucket(bucket).object_versions.delete()
            self.s3.delete_bucket(Bucket=bucket)

    def delete_network(self):
        self.ec2.delete_nat_gateway(NatGatewayId=self.nat)
        self.ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[self.nat])
        self.ec2.release_address(AllocationId=self.address)
        for table, associations in self.route_tables:
            for association in associations:
                self.ec2.disassociate_route_table(AssociationId=association)
            self.ec2.delete_route_table(RouteTableId=table)
        self.ec2.detach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)
        self.ec2.delete_internet_gateway(InternetGatewayId=self.gateway)
        for subnet in self.public + self.private:
            self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_security_group(GroupId=self.security_group)
        self.ec2.delete_vpc(VpcId=self.vpc)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(actions, resource):
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def tls_only(bucket):
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources, "Condition": condition}


class Meter:
    """Counts a session's calls by service, and measures durations."""

    def __init__(self, session):
        self.calls = Counter()
        session.events.register("before-call", self.count)

    def count(self, model, **_):
        self.calls[model.service_model.signing_name] += 1

    def measure(self, action):
        """The duration of an action in seconds, and its calls by service."""
        before, began = self.calls.copy(), time.monotonic()
        action()
        return round(time.monotonic() - began, 3), dict(sorted((self.calls - before).items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suffix", default="script")
    parser.add_argument("--poll", type=float, default=1, help="seconds between two polls of a condition without a waiter in boto3")
    given, session = parser.parse_args(), boto3.Session()
    meter, environment = Meter(session), ScriptedEnvironment(session, given.suffix, given.poll)
    create_seconds, create = meter.measure(environment.create)
    delete_seconds, delete = meter.measure(environment.delete)
    report = {"create_calls": sum(create.values()), "create_seconds": create_seconds, "per_service": create}
    report |= {"delete_calls": sum(delete.values()), "delete_seconds": delete_seconds, "delete_per_service": delete}
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
