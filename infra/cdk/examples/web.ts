// A stack with one environment, and a role for the operators on call. In an app of your own, import from 'envkeeper-cdk'.

import { App, CfnOutput, Duration, LegacyStackSynthesizer, Stack } from 'aws-cdk-lib';
import { Alarm, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { AlarmAction, BucketOnDelete, Egress, EnvironmentAlarm, ScalableEnvironment } from '../src';

class WebStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id, { description: 'A stack with one environment, written with the AWS CDK.' });

    const web = new ScalableEnvironment(this, 'Web', {
      environmentSuffix: 'cdk',
      egress: Egress.PUBLIC_IP,
      minSize: 1,
      maxSize: 3,
      bucketOnDelete: BucketOnDelete.EMPTY,
      tags: { team: 'web' },
      alarmActions: [
        { alarm: EnvironmentAlarm.HEALTHY_LOW, action: AlarmAction.scaleBy(1), cooldownSeconds: 600 },
      ],
    });

    // The alarm refers to the environment, so the environment knows it by its name alone.
    const alarmName = 'cdk-impaired';
    const failedChecks = new Metric({
      namespace: 'AWS/EC2',
      metricName: 'StatusCheckFailed',
      dimensionsMap: { AutoScalingGroupName: web.autoScalingGroupName },
      period: Duration.minutes(1),
      statistic: 'Maximum',
    });
    const impaired = new Alarm(this, 'Impaired', {
      alarmName,
      metric: failedChecks,
      threshold: 1,
      evaluationPeriods: 5,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    impaired.addAlarmAction(web.rules);
    web.addAlarmAction({ alarm: alarmName, action: AlarmAction.replaceUnhealthy(), dryRun: true });

    const onCall = new Role(this, 'OnCall', { assumedBy: new AccountRootPrincipal() });
    web.grantConnect(onCall);
    web.grantReadLedger(onCall);
    web.grantReadBucket(onCall);

    new CfnOutput(this, 'AutoScalingGroupName', { value: web.autoScalingGroupName });
    new CfnOutput(this, 'BucketName', { value: web.bucketName });
    new CfnOutput(this, 'DashboardUrl', { value: web.dashboardUrl });
    new CfnOutput(this, 'OnCallRole', { value: onCall.roleName });
  }
}

// Without the CDK's command line: the template needs no bootstrapped account, and has neither assets nor metadata.
const app = new App({ analyticsReporting: false, defaultStackSynthesizer: new LegacyStackSynthesizer() });
new WebStack(app, 'web');
app.synth();
