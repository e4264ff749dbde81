import { CustomResource, Duration, Fn, ITaggableV2, Lazy, Resource, Stack, TagManager, TagType } from 'aws-cdk-lib';
import { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { Connections, IConnectable, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { AlarmRule } from './alarm-rule';
import { Deployment } from './deployment';
import { EnvironmentProperties, TEMPLATE_NAMES } from './properties';

const RESOURCE_TYPE = 'Custom::ScalableEnvironment';

/**
 * The properties of the construct.
 */
export interface ScalableEnvironmentProps extends EnvironmentProperties {
  /**
   * The deployment of Envkeeper that creates the environment.
   *
   * @default - the deployment of the stack `envkeeper`
   */
  readonly deployment?: Deployment;

  /**
   * The time for which CloudFormation waits for a response, at most an hour.
   *
   * @default - an hour
   */
  readonly serviceTimeout?: Duration;
}

/**
 * A scalable environment of EC2 instances: network, Auto Scaling group, role, buckets, log groups and alarms.
 *
 * Values are checked when the environment is deployed; `envkeeper validate` and the rule of cfn-lint check the template before.
 */
export class ScalableEnvironment extends Resource implements ITaggableV2, IConnectable {
  /**
   * The tags of all resources of the environment: those of the property `tags` and those that `Tags.of` adds.
   */
  public readonly cdkTagManager: TagManager;

  /**
   * The rules of an alarm that enters ALARM, as an action of your own alarms: `alarm.addAlarmAction(environment.rules)`.
   */
  public readonly rules: IAlarmAction;

  /**
   * The ingress and egress rules of the instances, which have no ingress rule by themselves.
   *
   * Envkeeper does not change rules that it did not create.
   */
  public readonly connections: Connections;

  private readonly environment: CustomResource;
  private readonly alarmRules: AlarmRule[];
  private readonly kmsKeyArn?: string;

  constructor(scope: Construct, id: string, props: ScalableEnvironmentProps) {
    super(scope, id);
    const deployment = props.deployment ?? Deployment.fromStackName();
    this.cdkTagManager = new TagManager(TagType.MAP, RESOURCE_TYPE, props.tags);
    this.rules = { bind: () => ({ alarmActionArn: deployment.alarmFunctionArn }) };
    this.alarmRules = [...(props.alarmActions ?? [])];
    this.kmsKeyArn = props.kmsKeyArn;
    this.environment = new CustomResource(this, 'Resource', {
      resourceType: RESOURCE_TYPE,
      serviceToken: deployment.serviceToken,
      serviceTimeout: props.serviceTimeout,
      properties: {
        ...templateProperties(props),
        AlarmActions: Lazy.any({ produce: () => this.alarmRules.map(templateRule) }, { omitEmptyArray: true }),
        Tags: this.cdkTagManager.renderedTags,
      },
    });
    const securityGroup = SecurityGroup.fromSecurityGroupId(this, 'SecurityGroup', this.securityGroupId);
    this.connections = new Connections({ securityGroups: [securityGroup] });
  }

  /**
   * Adds a rule: an action that Envkeeper performs when an alarm enters the ALARM state.
   */
  public addAlarmAction(rule: AlarmRule): void {
    this.alarmRules.push(rule);
  }

  /**
   * Grants sessions of SSM Session Manager on the instances of the environment, with its default document, and the end of own
   * sessions.
   *
   * A session is a shell with the rights of the instances' role. If the account's sessions are encrypted with a KMS key of
   * yours, `kms:GenerateDataKey` on that key is granted separately.
   */
  public grantConnect(grantee: IGrantable): Grant {
    const stack = Stack.of(this);
    const instances = stack.formatArn({ service: 'ec2', resource: 'instance', resourceName: '*' });
    const document = stack.formatArn({ service: 'ssm', resource: 'document', resourceName: 'SSM-SessionManagerRunShell' });
    // The session of a user or a role has its name (Systems Manager user guide, "Sample IAM policies for Session Manager").
    const ownSessions = stack.formatArn({
      service: 'ssm',
      region: '*',
      account: '*',
      resource: 'session',
      resourceName: '${aws:userid}-*',
    });
    const open = Grant.addToPrincipal({
      grantee,
      actions: ['ssm:StartSession'],
      resourceArns: [instances],
      // A tag of Auto Scaling itself: no principal can set it.
      conditions: { StringEquals: { 'ssm:resourceTag/aws:autoscaling:groupName': this.autoScalingGroupName } },
    });
    const shell = Grant.addToPrincipal({ grantee, actions: ['ssm:StartSession'], resourceArns: [document] });
    const end = Grant.addToPrincipal({
      grantee,
      actions: ['ssmmessages:OpenDataChannel', 'ssm:ResumeSession', 'ssm:TerminateSession'],
      resourceArns: [ownSessions],
    });
    return open.combine(shell).combine(end);
  }

  /**
   * Grants reading the ledger, the log group of scaling events.
   */
  public grantReadLedger(grantee: IGrantable): Grant {
    return this.imported('Ledger', (id) => LogGroup.fromLogGroupName(this, id, this.autoScalingLogGroup)).grantRead(grantee);
  }

  /**
   * Grants reading the objects of the environment's bucket, and decrypting them if `kmsKeyArn` is set.
   *
   * The policy of that key has to allow the account's IAM policies, and the objects of an earlier key are not included.
   */
  public grantReadBucket(grantee: IGrantable): Grant {
    const bucket = this.imported('Bucket', (id) =>
      Bucket.fromBucketAttributes(this, id, {
        bucketName: this.bucketName,
        encryptionKey: this.kmsKeyArn ? Key.fromKeyArn(this, 'Key', this.kmsKeyArn) : undefined,
      }),
    );
    return bucket.grantRead(grantee);
  }

  /**
   * The id of the environment, by which operators name it.
   */
  public get environmentId(): string {
    return this.attribute('EnvironmentId');
  }

  /**
   * The id of the VPC.
   */
  public get vpcId(): string {
    return this.attribute('VpcId');
  }

  /**
   * The ids of the subnets of the instances.
   */
  public get subnetIds(): string[] {
    return Fn.split(',', this.attribute('SubnetIds'));
  }

  /**
   * The id of the security group of the instances.
   */
  public get securityGroupId(): string {
    return this.attribute('SecurityGroupId');
  }

  /**
   * The name of the Auto Scaling group.
   */
  public get autoScalingGroupName(): string {
    return this.attribute('AutoScalingGroupName');
  }

  /**
   * The ARN of the Auto Scaling group.
   */
  public get autoScalingGroupArn(): string {
    return this.attribute('AutoScalingGroupArn');
  }

  /**
   * The id of the launch template.
   */
  public get launchTemplateId(): string {
    return this.attribute('LaunchTemplateId');
  }

  /**
   * The number of the desired version of the launch template, as of the response.
   */
  public get launchTemplateVersion(): string {
    return this.attribute('LaunchTemplateVersion');
  }

  /**
   * The state of the rollout of that version, as of the response.
   */
  public get rolloutState(): string {
    return this.attribute('RolloutState');
  }

  /**
   * The ARN of the role of the instances.
   */
  public get roleArn(): string {
    return this.attribute('RoleArn');
  }

  /**
   * The ARN of the instance profile.
   */
  public get instanceProfileArn(): string {
    return this.attribute('InstanceProfileArn');
  }

  /**
   * The name of the bucket for data.
   */
  public get bucketName(): string {
    return this.attribute('BucketName');
  }

  /**
   * The name of the bucket for the access logs of the other one.
   */
  public get logBucketName(): string {
    return this.attribute('LogBucketName');
  }

  /**
   * The name of the log group of scaling events, the ledger.
   */
  public get autoScalingLogGroup(): string {
    return this.attribute('AutoScalingLogGroup');
  }

  /**
   * The name of the log group of the instances.
   */
  public get instanceLogGroup(): string {
    return this.attribute('InstanceLogGroup');
  }

  /**
   * The address of the dashboard in the console.
   */
  public get dashboardUrl(): string {
    return this.attribute('DashboardUrl');
  }

  private attribute(name: string): string {
    return this.environment.getAttString(name);
  }

  /**
   * A resource of the environment as a construct, which the first call creates.
   */
  private imported<T extends Construct>(id: string, create: (id: string) => T): T {
    return (this.node.tryFindChild(id) as T | undefined) ?? create(id);
  }
}

/**
 * The properties of the table, by their names in a template.
 */
function templateProperties(props: EnvironmentProperties): { [name: string]: any } {
  const own = Object.entries(TEMPLATE_NAMES) as [keyof EnvironmentProperties, string][];
  return Object.fromEntries(own.map(([name, ofTemplate]) => [ofTemplate, props[name]]));
}

function templateRule(rule: AlarmRule): { [name: string]: any } {
  return { Alarm: rule.alarm, ...rule.action._fields(), CooldownSeconds: rule.cooldownSeconds, DryRun: rule.dryRun };
}
