// Generated from the table of properties, shared/environment/src/input/property/table.rs, by a test of that crate.

import { AlarmRule } from './alarm-rule';

/**
 * The instances' egress.
 */
export enum Egress {
  /**
   * Private subnets with one NAT gateway for all zones.
   */
  NAT_GATEWAY = 'NatGateway',
  /**
   * Private subnets with one NAT gateway in each zone, so no zone depends on another zone.
   */
  NAT_GATEWAY_PER_ZONE = 'NatGatewayPerZone',
  /**
   * Private subnets that reach only AWS (S3, Session Manager, EC2, CloudWatch). The region has to have these endpoint services; one that lacks a zone uses the others.
   */
  VPC_ENDPOINTS = 'VpcEndpoints',
  /**
   * Public subnets, the cheapest option.
   */
  PUBLIC_IP = 'PublicIp',
}

/**
 * How a change of a property that *rolls* reaches running instances.
 */
export enum Rollout {
  /**
   * An instance refresh of Auto Scaling replaces them. The canary comes first; an unhealthy new instance or an alarm of `RolloutAlarms` returns all of them to the version that ran before, and the update fails with the evidence.
   */
  ROLLING = 'Rolling',
  /**
   * Running instances stay as they are. Instances that are launched afterwards have the change.
   */
  NONE = 'None',
}

/**
 * The state of a rollout in which the response to the update is SUCCESS.
 */
export enum RolloutWait {
  /**
   * Every instance is replaced. If the time of the request ends before, one new instance in service is enough, and the rollout continues.
   */
  COMPLETE = 'Complete',
  /**
   * The canary is in service for `BakeSeconds`, and the rollout continues.
   */
  CANARY = 'Canary',
}

/**
 * The action for an instance that is neither healthy nor unhealthy at the time limit.
 */
export enum LaunchGateOnTimeout {
  /**
   * Auto Scaling replaces the instance, and the evidence is in the log group of the instances.
   */
  ABANDON = 'Abandon',
  /**
   * The instance enters service.
   */
  CONTINUE = 'Continue',
}

/**
 * The action for the buckets when the environment is deleted.
 */
export enum BucketOnDelete {
  /**
   * The buckets are retained. A later environment of the same name adopts them only after an operator allowed it, by the request `allow-adoption`; without that, its create is rejected.
   */
  RETAIN = 'Retain',
  /**
   * The buckets are emptied and deleted.
   */
  EMPTY = 'Empty',
  /**
   * The Delete fails, and nothing is deleted, while the data bucket contains objects; remaining access logs are retained with their bucket.
   */
  FAIL_IF_NOT_EMPTY = 'FailIfNotEmpty',
}

/**
 * The properties of an environment.
 *
 * Texts name properties as a template writes them: `MinSize` is `minSize` here. A property without a value has the default
 * of the deployment, which its operator may set, else the default here. Envkeeper records it when the environment is
 * created.
 */
export interface EnvironmentProperties {
  /**
   * The unique name of the environment within its account and region.
   *
   * It is the last part of every resource name.
   *
   * Valid: 1 to 63 lowercase letters, digits and dashes, with a letter or digit at both ends.
   *
   * An update that changes it is rejected.
   */
  readonly environmentSuffix: string;

  /**
   * The value of the tag `Environment` on every resource, such as `production`.
   *
   * Valid: 1 to 128 characters (UTF-16 code units): letters and digits without combining marks, inner spaces and any of _ . : / = + - @.
   *
   * An update may change it in place, for instances that are launched afterwards.
   *
   * @default - the suffix
   */
  readonly environment?: string;

  /**
   * The VPC's IPv4 addresses.
   *
   * Envkeeper divides them into eight equal parts: three for public subnets and three for private subnets.
   * So a zone can be added later.
   *
   * Valid: a network of a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16) between /16 and /25, such as 10.0.0.0/16.
   *
   * An update that changes it is rejected.
   *
   * @default '10.0.0.0/16'
   */
  readonly vpcCidr?: string;

  /**
   * The number of availability zones for the instances.
   *
   * Envkeeper uses the first zones, by name, that offer the instance type.
   * A subnet that another tool created in the range of a new zone makes the update fail before anything changes.
   * A smaller number waits until Auto Scaling has moved the instances out of the removed zones.
   *
   * Valid: a whole number from 1 to 3.
   *
   * An update may change it in place, for instances that are launched afterwards.
   *
   * @default 2
   */
  readonly zoneCount?: number;

  /**
   * The instances' egress.
   *
   * No value allows ingress.
   *
   * - `NatGateway`: private subnets with one NAT gateway for all zones.
   * - `NatGatewayPerZone`: private subnets with one NAT gateway in each zone, so no zone depends on another zone.
   * - `VpcEndpoints`: private subnets that reach only AWS (S3, Session Manager, EC2, CloudWatch). The region has to have these endpoint services; one that lacks a zone uses the others.
   * - `PublicIp`: public subnets, the cheapest option.
   *
   * Valid: one of NatGateway, NatGatewayPerZone, VpcEndpoints, PublicIp.
   *
   * An update that changes it is rejected.
   *
   * @default Egress.NAT_GATEWAY
   */
  readonly egress?: Egress;

  /**
   * An existing VPC, set together with `SubnetIds`.
   *
   * The existing network provides its own egress: `VpcCidr`, `ZoneCount` and `Egress` are not used.
   * Each instance reports that it is ready with `ec2:CreateTags`, so the subnets need a route to EC2's API: NAT, or a VPC endpoint for `ec2`.
   *
   * Valid: an id: vpc- and 8 or 17 hexadecimal digits.
   *
   * An update that changes it is rejected.
   *
   * @default - a managed network
   */
  readonly vpcId?: string;

  /**
   * The subnets of `VpcId` in which the instances are launched.
   *
   * Each subnet needs a route to EC2's API, because an instance reports there that it is ready.
   * Auto Scaling moves instances out of a zone that has no subnet any more. It leaves those in a removed subnet of another zone: `drift` names them, and the operator request `roll` replaces them.
   *
   * Valid: 1 to 20 different ids, as a list or separated by commas, each subnet- and 8 or 17 hexadecimal digits.
   *
   * An update may change it in place, for instances that are launched afterwards.
   *
   * @default - managed subnets
   */
  readonly subnetIds?: string[];

  /**
   * The EC2 instance type.
   *
   * It has to have the image's architecture, and the environment's zones have to offer it; a request with another type fails before anything changes.
   * For an arm64 type, set `ImageParameter` to `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64`.
   *
   * Valid: an instance type of at most 64 characters, such as t3.micro.
   *
   * A change creates a new version of the launch template, and a rollout replaces the running instances.
   *
   * @default 't3.micro'
   */
  readonly instanceType?: string;

  /**
   * The instances' image.
   *
   * Amazon Linux 2023, or an image with dnf and systemd as in Amazon Linux 2023, and with the root device `/dev/xvda` on EBS.
   * Set either `ImageId` or `ImageParameter`.
   *
   * Valid: an image id: ami- and 8 or 17 hexadecimal digits.
   *
   * A change creates a new version of the launch template, and a rollout replaces the running instances.
   *
   * @default - the image that `ImageParameter` names
   */
  readonly imageId?: string;

  /**
   * The SSM parameter that contains the image id.
   *
   * Envkeeper reads the parameter on first use.
   * A newer image in the same parameter does not change the environment.
   * The name may end with a version, `/golden/al2023:3`, or a label, `/golden/al2023:stable`. A parameter that another account shares is named by its ARN.
   *
   * Valid: the full name of an SSM parameter, such as /aws/service/…, or the ARN of a shared one, with a version or a label behind a colon if the image of that version is meant; at most 200 characters.
   *
   * A change creates a new version of the launch template, and a rollout replaces the running instances.
   *
   * @default '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64'
   */
  readonly imageParameter?: string;

  /**
   * The size of the encrypted root volume. Amazon Linux 2023 needs at least 8.
   *
   * At least the size of the image's root snapshot.
   *
   * Valid: a whole number from 8 to 16384.
   *
   * A change creates a new version of the launch template, and a rollout replaces the running instances.
   *
   * @default 8
   */
  readonly rootVolumeGib?: number;

  /**
   * A script that runs once, as root, on each new instance.
   *
   * It runs after the agents have started. If it fails, the instance's user data fails.
   * A script without `#!` in its first line runs in bash.
   * Blank lines, blanks and a byte order mark before `#!` are removed.
   * An update of the SSM agent may hold the RPM lock meanwhile: a script should repeat its own installs.
   * It must not restart the instance, except as its last command: an instance that restarts before the script has ended counts as failed.
   *
   * Valid: a plain-text script of at most 16384 bytes without NUL characters: not base64, and not another format of user data.
   *
   * A change creates a new version of the launch template, and a rollout replaces the running instances.
   *
   * @default - no script
   */
  readonly userDataScript?: string;

  /**
   * The SSM parameters that the instances may read.
   *
   * An entry such as `/team/app` allows the parameter of that name and every parameter below it, and `GetParametersByPath` on it. A parameter without a slash, `name`, is `/name`.
   * A `SecureString` is decrypted through SSM; the policy of a customer managed key has to allow the account's IAM policies.
   * The instances always may read AWS's public parameters (`/aws/service/…`) and `AmazonCloudWatch-…`, and no others.
   *
   * Valid: 1 to 20 different paths of SSM parameters, as a list or separated by commas, such as /team/app: at most 100 characters and 15 levels, each level a slash and letters, digits and any of _ . -; the first level does not start with aws or ssm, which SSM reserves.
   *
   * An update may change it in place, also for running instances.
   *
   * @default - no parameters except those of AWS and of the CloudWatch agent
   */
  readonly parameterPaths?: string[];

  /**
   * How a change of a property that *rolls* reaches running instances.
   *
   * - `Rolling`: an instance refresh of Auto Scaling replaces them. The canary comes first; an unhealthy new instance or an alarm of `RolloutAlarms` returns all of them to the version that ran before, and the update fails with the evidence.
   * - `None`: running instances stay as they are. Instances that are launched afterwards have the change.
   *
   * A new release of Envkeeper replaces no instance, and neither does a newer image in an unchanged `ImageParameter`.
   * Instances in Standby or with protection from scale-in are not replaced; the operator request `status` names them.
   *
   * Valid: one of Rolling, None.
   *
   * An update may change it in place.
   *
   * @default Rollout.ROLLING
   */
  readonly rollout?: Rollout;

  /**
   * The percentage of the desired capacity that stays in service during a rollout.
   *
   * With 100, no instance terminates before its replacement is in service and initialized.
   * At least `MaxHealthyPercentage` less 100.
   *
   * Valid: a whole number from 0 to 100.
   *
   * An update may change it in place.
   *
   * @default 100
   */
  readonly minHealthyPercentage?: number;

  /**
   * The percentage of the desired capacity that is in service or pending during a rollout, at most.
   *
   * The difference to `MinHealthyPercentage` is the number of instances that are replaced at a time, at least one: with the defaults, one of ten.
   * Where the percentages leave no room for one instance, one more is launched.
   * A rollout may exceed `MaxSize` by these instances.
   *
   * Valid: a whole number from 100 to 200.
   *
   * An update may change it in place.
   *
   * @default 110
   */
  readonly maxHealthyPercentage?: number;

  /**
   * The percentage of the instances that are replaced first.
   *
   * At least one instance. The rollout continues when the canary is in service for `BakeSeconds`.
   *
   * Valid: a whole number from 1 to 99.
   *
   * An update may change it in place.
   *
   * @default 10
   */
  readonly canaryPercentage?: number;

  /**
   * The time in seconds for which new instances have to stay healthy: after the canary, and again at the end.
   *
   * A rollout that has no version to return to bakes for at least 60 s.
   * A group of one instance has no canary: it bakes at the end only.
   *
   * Valid: a whole number from 0 to 1800.
   *
   * An update may change it in place.
   *
   * @default 60
   */
  readonly bakeSeconds?: number;

  /**
   * The names of CloudWatch alarms that end a rollout, which then returns to the version that ran before.
   *
   * Each alarm exists before the request. A metric alarm has `TreatMissingData` `notBreaching` or `ignore`: the metrics of replaced instances end.
   * An update that replaces instances needs each alarm in OK: Auto Scaling starts no rollout otherwise.
   * An alarm in INSUFFICIENT_DATA meanwhile stops the replacements, for at most an hour.
   * The environment's own alarms `cpu-high`, `cpu-low` and `rollout-failed` are not accepted: a rollout changes their states by itself.
   * A name with a comma cannot be given.
   *
   * Valid: 1 to 10 different names of alarms of 1 to 255 characters, as a list or separated by commas, without control characters.
   *
   * An update may change it in place.
   *
   * @default - no alarms
   */
  readonly rolloutAlarms?: string[];

  /**
   * The state of a rollout in which the response to the update is SUCCESS.
   *
   * - `Complete`: every instance is replaced. If the time of the request ends before, one new instance in service is enough, and the rollout continues.
   * - `Canary`: the canary is in service for `BakeSeconds`, and the rollout continues.
   *
   * A rollout that fails after the response returns to the version that ran before, and the environment's `RolloutState` is `rolled-back`.
   *
   * Valid: one of Complete, Canary.
   *
   * An update may change it in place.
   *
   * @default RolloutWait.COMPLETE
   */
  readonly rolloutWait?: RolloutWait;

  /**
   * The minimum number of instances.
   *
   * Valid: a whole number from 0 to 1000.
   *
   * An update may change it in place.
   *
   * @default 1
   */
  readonly minSize?: number;

  /**
   * The maximum number of instances.
   *
   * In a managed network at most the number of addresses for instances: an eighth of `VpcCidr` in each zone, less the five that AWS reserves and, with `VpcEndpoints`, one for each interface endpoint. A `/25` over two zones has room for 22 instances, with `VpcEndpoints` for 12.
   *
   * Valid: a whole number from 0 to 1000.
   *
   * An update may change it in place.
   *
   * @default 3
   */
  readonly maxSize?: number;

  /**
   * The initial number of instances.
   *
   * After creation, Auto Scaling controls the desired capacity.
   *
   * Valid: a whole number from 0 to 1000.
   *
   * A later change has no effect.
   *
   * @default - `MinSize`
   */
  readonly desiredCapacity?: number;

  /**
   * Whether a Create waits until `MinSize` instances are in service.
   *
   * Valid: true or false.
   *
   * A later change has no effect.
   *
   * @default true
   */
  readonly waitForInstances?: boolean;

  /**
   * Seconds after a start without action on health checks.
   *
   * The time in seconds after an instance's start in which Auto Scaling does not act on its health checks.
   *
   * Valid: a whole number from 0 to 7200.
   *
   * An update may change it in place, also for running instances.
   *
   * @default 300
   */
  readonly healthCheckGraceSeconds?: number;

  /**
   * The target groups in which Auto Scaling registers the instances.
   *
   * A target group needs the target type `instance` and the environment's VPC.
   * The health checks of the target groups apply in addition to EC2's.
   * Auto Scaling registers an instance when it enters service, so the launch gate does not wait for these health checks.
   * Add your own ingress rule for the load balancer to `SecurityGroupId`: Envkeeper does not change rules that it did not create.
   *
   * Valid: 1 to 20 different ARNs, as a list or separated by commas, such as arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/..., a name of 1 to 32 characters, a slash and 16 hexadecimal digits.
   *
   * An update may change it in place, also for running instances.
   *
   * @default - no target groups
   */
  readonly targetGroupArns?: string[];

  /**
   * Whether an instance has to be observed as healthy before it enters service.
   *
   * Valid: true or false.
   *
   * An update may change it in place, for instances that are launched afterwards.
   *
   * @default - `true` if the deployment has the function `lifecycle-hook`, else `false`
   */
  readonly launchGate?: boolean;

  /**
   * Seconds within which a new instance has to be observed as healthy.
   *
   * Healthy means: its user data is done, its SSM agent is online, and no status check is impaired.
   * An unhealthy instance is replaced immediately.
   * If no event announced the launch, the time limit is one minute longer.
   * User data retries failing installs and checks of the agents for half of this time, at most 300 s. A change of that limit alone replaces no instance and creates no version of the launch template: it comes with the next version.
   *
   * Valid: a whole number from 60 to 7200.
   *
   * An update may change it in place, for instances that are launched afterwards.
   *
   * @default 600
   */
  readonly launchGateSeconds?: number;

  /**
   * The action for an instance that is neither healthy nor unhealthy at the time limit.
   *
   * - `Abandon`: Auto Scaling replaces the instance, and the evidence is in the log group of the instances.
   * - `Continue`: the instance enters service.
   *
   * Valid: one of Abandon, Continue.
   *
   * An update may change it in place, for instances that are launched afterwards.
   *
   * @default LaunchGateOnTimeout.ABANDON
   */
  readonly launchGateOnTimeout?: LaunchGateOnTimeout;

  /**
   * Whether an instance is drained before it terminates.
   *
   * Valid: true or false.
   *
   * An update may change it in place, also for running instances.
   *
   * @default - `true` if the deployment has the function `lifecycle-hook`, else `false`
   */
  readonly terminateDrain?: boolean;

  /**
   * The maximum time in seconds to drain a terminating instance.
   *
   * After this time the instance terminates without a completed drain.
   * A Delete of the environment may shorten the time.
   *
   * Valid: a whole number from 30 to 28800.
   *
   * An update may change it in place, also for running instances.
   *
   * @default 300
   */
  readonly drainSeconds?: number;

  /**
   * The systemd units that are stopped, in this order, when an instance is drained.
   *
   * Valid: 1 to 20 different names of systemd units of 1 to 255 characters, as a list or separated by commas, such as nginx or worker@2.service.
   *
   * A change creates a new version of the launch template, and a rollout replaces the running instances.
   *
   * @default - no services
   */
  readonly drainServices?: string[];

  /**
   * A script that runs as root when an instance is drained.
   *
   * It runs after `DrainServices` are stopped and before the last logs are shipped.
   * A script without `#!` in its first line runs in bash.
   * Blank lines, blanks and a byte order mark before `#!` are removed.
   *
   * Valid: a plain-text script of at most 16384 bytes without NUL characters: not base64, and not another format of user data.
   *
   * A change creates a new version of the launch template, and a rollout replaces the running instances.
   *
   * @default - no script
   */
  readonly drainScript?: string;

  /**
   * The average CPU utilization, in percent, at or above which the group scales out.
   *
   * Valid: a whole number from 1 to 100.
   *
   * An update may change it in place.
   *
   * @default 70
   */
  readonly scaleUpCpuThreshold?: number;

  /**
   * The average CPU utilization, in percent, at or below which the group scales in.
   *
   * Valid: a whole number from 0 to 99.
   *
   * An update may change it in place.
   *
   * @default 30
   */
  readonly scaleDownCpuThreshold?: number;

  /**
   * The period in seconds of the CPU alarms.
   *
   * A period below 300 enables detailed monitoring, because EC2 publishes a value only every five minutes without it.
   * A change that crosses 300 also changes the monitoring of running instances.
   *
   * Valid: one of 60, 120, 180, 240, 300, 600, 900, 1800, 3600.
   *
   * An update may change it in place, also for running instances.
   *
   * @default 60
   */
  readonly alarmPeriodSeconds?: number;

  /**
   * The consecutive breaching periods before a CPU alarm enters the ALARM state.
   *
   * Valid: a whole number from 1 to 100.
   *
   * An update may change it in place.
   *
   * @default 3
   */
  readonly alarmEvaluationPeriods?: number;

  /**
   * The number of instances that the scaling policy adds in its first step.
   *
   * The policy has three steps, which divide the range from `ScaleUpCpuThreshold` to 100 % into equal parts: the second step adds twice as many instances, the third three times as many. With the defaults: 1 from 70 %, 2 from 80 %, 3 from 90 %.
   *
   * An instance that is not in service yet, or is for less than 60 s, counts as added: while the launch gate holds an instance, the same step adds no second one. A load that reaches the next step adds the difference.
   * Drains and cooldowns do not stop the policy.
   *
   * Valid: a whole number from 1 to 100.
   *
   * An update may change it in place.
   *
   * @default 1
   */
  readonly scaleUpAdjustment?: number;

  /**
   * The number of instances that the scaling policy removes at a time, positive.
   *
   * Valid: a whole number from 1 to 100.
   *
   * An update may change it in place.
   *
   * @default 1
   */
  readonly scaleDownAdjustment?: number;

  /**
   * The cooldown in seconds after the scaling policy removed instances: until then it removes no others.
   *
   * It has no effect on adding instances. Rules of `AlarmActions` have cooldowns of their own.
   *
   * Valid: a whole number from 0 to 86400.
   *
   * An update may change it in place.
   *
   * @default 300
   */
  readonly cooldownSeconds?: number;

  /**
   * The seconds after which an instance in service counts as initialized.
   *
   * Until then the group's metrics and the policy that adds instances leave it out, and a rollout replaces no other instance.
   * Auto Scaling calls this `DefaultInstanceWarmup`.
   *
   * Valid: a whole number from 0 to 3600.
   *
   * An update may change it in place.
   *
   * @default 60
   */
  readonly instanceWarmupSeconds?: number;

  /**
   * The SNS topic that every alarm of the environment also notifies.
   *
   * Valid: an ARN, such as arn:aws:sns:us-west-2:123456789012:..., a name of 1 to 256 characters.
   *
   * An update may change it in place.
   *
   * @default - no notifications
   */
  readonly alarmTopicArn?: string;

  /**
   * The rules for alarm actions.
   *
   * A rule runs once each time its alarm enters the ALARM state.
   *
   * - `ScaleBy` and `ScaleTo` change the desired capacity within `MinSize` and `MaxSize`.
   * - `ReplaceUnhealthy` replaces the instance that the alarm names, or an instance that is observed as unhealthy.
   * - `Notify` publishes to an SNS topic.
   *
   * A rule may name your own alarm. Your alarm has to invoke the function `alarm`.
   * Your alarm also needs a metric of the environment's group, or `envkeeper:environment=` and the environment's id in its description.
   *
   * After an action the rule is in cooldown for its `CooldownSeconds`.
   * If the alarm enters the ALARM state during the cooldown and remains in it, the rule, unlike a scaling policy, does not run until the alarm enters the state again.
   * The scaling log group contains each action, and the reason for each skipped action.
   * As an environment variable, the value is JSON.
   *
   * Valid: a list of at most 20 different rules, each with Alarm (cpu-high, cpu-low, launch-failures, healthy-low, rollout-failed or an alarm's full name of at most 255 characters), Action (ScaleBy, ScaleTo, ReplaceUnhealthy, Notify) and its field: Amount (a whole number from -100 to 100, but not 0), Capacity (a whole number from MinSize to MaxSize) or TopicArn; CooldownSeconds (0 to 86400, 300 if omitted) and DryRun (false).
   *
   * An update may change it in place.
   *
   * @default - no actions except the scaling policies and the topic
   */
  readonly alarmActions?: AlarmRule[];

  /**
   * The retention in days of both log groups and of the access logs.
   *
   * The access logs are in the log bucket.
   * A shorter time deletes older logs.
   *
   * Valid: one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653.
   *
   * An update may change it in place.
   *
   * @default 30
   */
  readonly logRetentionDays?: number;

  /**
   * The KMS key of the log groups, new objects in the bucket, and new volumes.
   *
   * A change reaches log groups, new objects and the role of all instances at once, and volumes by the replacement of the instances.
   * Existing objects keep the previous key, and the instances' role loses its access to the previous key.
   * The key policy has to allow CloudWatch Logs and the service-linked role of Auto Scaling to use the key.
   *
   * Valid: an ARN, such as arn:aws:kms:us-west-2:123456789012:key/..., a key id of at most 36 characters.
   *
   * An update may change it in place, and a rollout replaces the running instances.
   *
   * @default - the AWS services' own keys
   */
  readonly kmsKeyArn?: string;

  /**
   * The permissions boundary of the instances' role.
   *
   * The boundary has to allow `ec2:CreateTags`, because an instance reports with it that it is ready.
   * If the function's variable sets a boundary, Envkeeper rejects any other boundary: the function's own role may create roles only with that boundary.
   *
   * Valid: an ARN, such as arn:aws:iam::123456789012:policy/..., path and name of at most 640 characters.
   *
   * An update may change it in place, also for running instances.
   *
   * @default - the boundary of the deployment, if it has one
   */
  readonly permissionsBoundaryArn?: string;

  /**
   * The action for the buckets when the environment is deleted.
   *
   * - `Retain`: the buckets are retained. A later environment of the same name adopts them only after an operator allowed it, by the request `allow-adoption`; without that, its create is rejected.
   * - `Empty`: the buckets are emptied and deleted.
   * - `FailIfNotEmpty`: the Delete fails, and nothing is deleted, while the data bucket contains objects; remaining access logs are retained with their bucket.
   *
   * Valid: one of Retain, Empty, FailIfNotEmpty.
   *
   * An update may change it in place.
   *
   * @default BucketOnDelete.RETAIN
   */
  readonly bucketOnDelete?: BucketOnDelete;

  /**
   * Whether a Delete is rejected.
   *
   * The protection starts when the Create is done, and does not apply while the stack rolls back.
   * An update or the operator request `unlock` removes the protection.
   *
   * Valid: true or false.
   *
   * An update may change it in place.
   *
   * @default false
   */
  readonly deletionProtection?: boolean;

  /**
   * The tags of all resources, including the instances, their volumes and their network interfaces.
   *
   * The dashboard, the saved queries and the scaling policies have no tags.
   * Alarms receive their tags when they are created, and a later change does not update them.
   * Running instances, their volumes and their interfaces keep the tags of their launch.
   *
   * Valid: a map of at most 40 tags, or a list of Key and Value: keys of 1 to 127 and values of at most 256 characters (UTF-16 code units): letters and digits without combining marks, inner spaces and any of _ . : / = + - @; no duplicate keys, ignoring case; not the keys that Envkeeper sets (Name, Project, Environment, ManagedBy), and no key that starts with aws: or envkeeper:.
   *
   * An update may change it in place, for instances that are launched afterwards.
   *
   * @default - only Envkeeper's own tags
   */
  readonly tags?: { [key: string]: string };
}

/**
 * The name of each property in a template.
 */
export const TEMPLATE_NAMES: { readonly [Name in keyof EnvironmentProperties]-?: string } = {
  environmentSuffix: 'EnvironmentSuffix',
  environment: 'Environment',
  vpcCidr: 'VpcCidr',
  zoneCount: 'ZoneCount',
  egress: 'Egress',
  vpcId: 'VpcId',
  subnetIds: 'SubnetIds',
  instanceType: 'InstanceType',
  imageId: 'ImageId',
  imageParameter: 'ImageParameter',
  rootVolumeGib: 'RootVolumeGiB',
  userDataScript: 'UserDataScript',
  parameterPaths: 'ParameterPaths',
  rollout: 'Rollout',
  minHealthyPercentage: 'MinHealthyPercentage',
  maxHealthyPercentage: 'MaxHealthyPercentage',
  canaryPercentage: 'CanaryPercentage',
  bakeSeconds: 'BakeSeconds',
  rolloutAlarms: 'RolloutAlarms',
  rolloutWait: 'RolloutWait',
  minSize: 'MinSize',
  maxSize: 'MaxSize',
  desiredCapacity: 'DesiredCapacity',
  waitForInstances: 'WaitForInstances',
  healthCheckGraceSeconds: 'HealthCheckGraceSeconds',
  targetGroupArns: 'TargetGroupArns',
  launchGate: 'LaunchGate',
  launchGateSeconds: 'LaunchGateSeconds',
  launchGateOnTimeout: 'LaunchGateOnTimeout',
  terminateDrain: 'TerminateDrain',
  drainSeconds: 'DrainSeconds',
  drainServices: 'DrainServices',
  drainScript: 'DrainScript',
  scaleUpCpuThreshold: 'ScaleUpCpuThreshold',
  scaleDownCpuThreshold: 'ScaleDownCpuThreshold',
  alarmPeriodSeconds: 'AlarmPeriodSeconds',
  alarmEvaluationPeriods: 'AlarmEvaluationPeriods',
  scaleUpAdjustment: 'ScaleUpAdjustment',
  scaleDownAdjustment: 'ScaleDownAdjustment',
  cooldownSeconds: 'CooldownSeconds',
  instanceWarmupSeconds: 'InstanceWarmupSeconds',
  alarmTopicArn: 'AlarmTopicArn',
  alarmActions: 'AlarmActions',
  logRetentionDays: 'LogRetentionDays',
  kmsKeyArn: 'KmsKeyArn',
  permissionsBoundaryArn: 'PermissionsBoundaryArn',
  bucketOnDelete: 'BucketOnDelete',
  deletionProtection: 'DeletionProtection',
  tags: 'Tags',
};
