import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Duration, Stack, Tags } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Port, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AlarmAction, Deployment, Egress, EnvironmentAlarm, ScalableEnvironment, ScalableEnvironmentProps } from '../src';
import { TEMPLATE_NAMES } from '../src/properties';

const TYPE = 'Custom::ScalableEnvironment';
const SCHEMA = JSON.parse(readFileSync(join(__dirname, '../../../schema/template.schema.json'), 'utf8')).definitions;

function environmentWith(props: Partial<ScalableEnvironmentProps> = {}): ScalableEnvironment {
  return new ScalableEnvironment(new Stack(), 'Web', { environmentSuffix: 'dev', ...props });
}

function templateOf(environment: ScalableEnvironment): Template {
  return Template.fromStack(Stack.of(environment));
}

/** The properties of the environment in the template. */
function propertiesOf(environment: ScalableEnvironment): { [name: string]: any } {
  const [resource] = Object.values(templateOf(environment).findResources(TYPE));
  return resource.Properties;
}

/** The statements of the grantee's policy. */
function statementsOf(environment: ScalableEnvironment): any[] {
  const policies = Object.values(templateOf(environment).findResources('AWS::IAM::Policy'));
  return policies.flatMap((policy) => policy.Properties.PolicyDocument.Statement);
}

function role(environment: ScalableEnvironment): Role {
  return new Role(Stack.of(environment), 'OnCall', { assumedBy: new AccountRootPrincipal() });
}

test('a template has the given properties and no others', () => {
  const given = { minSize: 0, maxSize: 4, deletionProtection: false, egress: Egress.PUBLIC_IP, subnetIds: ['subnet-0a'], rootVolumeGib: 20 };
  assert.deepEqual(propertiesOf(environmentWith(given)), {
    ServiceToken: { 'Fn::ImportValue': 'envkeeper-service-token' },
    EnvironmentSuffix: 'dev',
    MinSize: 0,
    MaxSize: 4,
    DeletionProtection: false,
    Egress: 'PublicIp',
    SubnetIds: ['subnet-0a'],
    RootVolumeGiB: 20,
  });
});

test('the interface has the properties of the schema', () => {
  const own = ['ServiceToken', 'ServiceTimeout'];
  const ofSchema = Object.keys(SCHEMA.properties.properties).filter((name) => !own.includes(name));
  assert.deepEqual(Object.values(TEMPLATE_NAMES).sort(), ofSchema.sort());
});

test('each output of the schema has an attribute', () => {
  const environment = environmentWith();
  const stack = Stack.of(environment);
  const members = Object.entries(Object.getOwnPropertyDescriptors(ScalableEnvironment.prototype));
  const values = members.filter(([, member]) => member.get).map(([name]) => stack.resolve((environment as any)[name]));
  const attribute = (value: any) => value?.['Fn::GetAtt'] ?? value?.['Fn::Split']?.[1]['Fn::GetAtt'];
  assert.deepEqual(values.map((it) => attribute(it)[1]).sort(), [...SCHEMA.attribute.enum].sort());
});

test('a deployment is known by its exports, its project or its functions', () => {
  const other = Deployment.fromStackName('second');
  assert.deepEqual(propertiesOf(environmentWith({ deployment: other })).ServiceToken, { 'Fn::ImportValue': 'second-service-token' });
  const byName = propertiesOf(environmentWith({ deployment: Deployment.fromProjectName('web') })).ServiceToken;
  const [, parts] = byName['Fn::Join'];
  assert.equal(parts.at(-1), ':function:web-custom-resource');
  const arns = { customResource: 'arn:custom-resource', alarm: 'arn:alarm' };
  const byArn = Deployment.fromFunctionArns(arns);
  assert.equal(propertiesOf(environmentWith({ deployment: byArn, serviceTimeout: Duration.minutes(50) })).ServiceToken, arns.customResource);
  assert.equal(byArn.alarmFunctionArn, arns.alarm);
});

test('the time for a response is in seconds', () => {
  assert.equal(propertiesOf(environmentWith({ serviceTimeout: Duration.minutes(50) })).ServiceTimeout, '3000');
});

test('rules are those of the property and those that are added', () => {
  const environment = environmentWith({ alarmActions: [{ alarm: EnvironmentAlarm.CPU_HIGH, action: AlarmAction.scaleBy(-2) }] });
  const topic = new Topic(Stack.of(environment), 'Topic');
  environment.addAlarmAction({ alarm: 'impaired', action: AlarmAction.replaceUnhealthy(), dryRun: true });
  environment.addAlarmAction({ alarm: EnvironmentAlarm.HEALTHY_LOW, action: AlarmAction.scaleTo(3), cooldownSeconds: 60 });
  environment.addAlarmAction({ alarm: EnvironmentAlarm.LAUNCH_FAILURES, action: AlarmAction.notify(topic) });
  const rules = propertiesOf(environment).AlarmActions;
  assert.deepEqual(rules.slice(0, 3), [
    { Alarm: 'cpu-high', Action: 'ScaleBy', Amount: -2 },
    { Alarm: 'impaired', Action: 'ReplaceUnhealthy', DryRun: true },
    { Alarm: 'healthy-low', Action: 'ScaleTo', Capacity: 3, CooldownSeconds: 60 },
  ]);
  assert.deepEqual({ ...rules[3], TopicArn: Object.keys(rules[3].TopicArn) }, { Alarm: 'launch-failures', Action: 'Notify', TopicArn: ['Ref'] });
});

test('actions and alarms are those of the schema', () => {
  const topic = { topicArn: 'arn:topic' } as Topic;
  const actions = [AlarmAction.scaleBy(1), AlarmAction.scaleTo(1), AlarmAction.replaceUnhealthy(), AlarmAction.notify(topic)];
  const { Action, Alarm: alarm } = SCHEMA.properties.properties.AlarmActions.anyOf[0].items.anyOf[0].properties;
  assert.deepEqual(actions.map((it) => it._fields().Action), Action.anyOf[0].enum);
  const { CPU_HIGH, CPU_LOW, LAUNCH_FAILURES, HEALTHY_LOW, ROLLOUT_FAILED } = EnvironmentAlarm;
  assert.ok(alarm.description.includes([CPU_HIGH, CPU_LOW, LAUNCH_FAILURES, HEALTHY_LOW, ROLLOUT_FAILED].join(', ')), alarm.description);
});

test('an own alarm invokes the function alarm of the deployment', () => {
  const environment = environmentWith();
  const metric = new Metric({ namespace: 'AWS/EC2', metricName: 'StatusCheckFailed' });
  const alarm = new Alarm(Stack.of(environment), 'Alarm', { metric, threshold: 1, evaluationPeriods: 1 });
  alarm.addAlarmAction(environment.rules);
  templateOf(environment).hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmActions: [{ 'Fn::ImportValue': 'envkeeper-alarm-function' }],
  });
});

test('tags are those of the property and those of the scope', () => {
  const environment = environmentWith({ tags: { team: 'web' } });
  Tags.of(Stack.of(environment)).add('cost-centre', '4711');
  assert.deepEqual(propertiesOf(environment).Tags, { team: 'web', 'cost-centre': '4711' });
});

test('a session is granted on the instances of the group alone, and the end of own sessions', () => {
  const environment = environmentWith();
  environment.grantConnect(role(environment));
  const [open, shell, own, ...others] = statementsOf(environment);
  assert.deepEqual(others, []);
  assert.equal(open.Action, 'ssm:StartSession');
  assert.match(JSON.stringify(open.Resource), /:instance\/\*/);
  const [[tag, group]] = Object.entries<any>(open.Condition.StringEquals);
  assert.deepEqual([tag, group['Fn::GetAtt'][1]], ['ssm:resourceTag/aws:autoscaling:groupName', 'AutoScalingGroupName']);
  assert.equal(shell.Action, 'ssm:StartSession');
  assert.match(JSON.stringify(shell.Resource), /document\/SSM-SessionManagerRunShell/);
  assert.deepEqual(own.Action, ['ssmmessages:OpenDataChannel', 'ssm:ResumeSession', 'ssm:TerminateSession']);
  assert.match(JSON.stringify(own.Resource), /session\/\$\{aws:userid\}-\*/);
});

test('reading the ledger is granted on its log group, as often as it is asked', () => {
  const environment = environmentWith();
  const grantee = role(environment);
  assert.ok(environment.grantReadLedger(grantee).success);
  assert.ok(environment.grantReadLedger(grantee).success);
  const [read] = statementsOf(environment);
  assert.ok(read.Action.includes('logs:FilterLogEvents'));
  assert.ok(read.Action.every((action: string) => !/Put|Create|Delete/.test(action)), read.Action);
  assert.match(JSON.stringify(read.Resource), /:log-group:.*AutoScalingLogGroup/);
});

test('reading the bucket is granted with its key, and without one on the bucket alone', () => {
  for (const kmsKeyArn of ['arn:aws:kms:us-west-2:111122223333:key/01234567-89ab-cdef-0123-456789abcdef', undefined]) {
    const environment = environmentWith({ kmsKeyArn });
    environment.grantReadBucket(role(environment));
    const [read, decrypt] = statementsOf(environment);
    assert.deepEqual(read.Action, ['s3:GetObject*', 's3:GetBucket*', 's3:List*']);
    assert.match(JSON.stringify(read.Resource), /"BucketName"/);
    assert.equal(decrypt?.Resource, kmsKeyArn);
    assert.ok(!kmsKeyArn || decrypt.Action.includes('kms:Decrypt'), decrypt?.Action);
  }
});

test('the connections of a load balancer end in the security group of the instances', () => {
  const environment = environmentWith();
  const stack = Stack.of(environment);
  const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', { vpcId: 'vpc-0a', availabilityZones: ['us-west-2a'] });
  environment.connections.allowFrom(new SecurityGroup(stack, 'LoadBalancer', { vpc }), Port.tcp(80));
  templateOf(environment).hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    FromPort: 80,
    GroupId: { 'Fn::GetAtt': [Match.anyValue(), 'SecurityGroupId'] },
  });
});
