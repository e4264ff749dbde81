import { ITopic } from 'aws-cdk-lib/aws-sns';

/**
 * The short names of the alarms that every environment has.
 */
export class EnvironmentAlarm {
  /**
   * The average CPU utilization is at or above `ScaleUpCpuThreshold`.
   */
  public static readonly CPU_HIGH = 'cpu-high';

  /**
   * The average CPU utilization is at or below `ScaleDownCpuThreshold`.
   */
  public static readonly CPU_LOW = 'cpu-low';

  /**
   * The gate abandoned launches.
   */
  public static readonly LAUNCH_FAILURES = 'launch-failures';

  /**
   * Fewer instances than `MinSize` are in service.
   */
  public static readonly HEALTHY_LOW = 'healthy-low';

  /**
   * A rollout failed, and its instances return to the version that ran before.
   */
  public static readonly ROLLOUT_FAILED = 'rollout-failed';

  private constructor() {}
}

/**
 * The action of a rule.
 */
export class AlarmAction {
  /**
   * Adds instances, within `MinSize` and `MaxSize`.
   *
   * @param amount The number of instances, from -100 to 100 but not 0. A negative number removes instances.
   */
  public static scaleBy(amount: number): AlarmAction {
    return new AlarmAction({ Action: 'ScaleBy', Amount: amount });
  }

  /**
   * Sets the number of instances.
   *
   * @param capacity The number of instances, from `MinSize` to `MaxSize`.
   */
  public static scaleTo(capacity: number): AlarmAction {
    return new AlarmAction({ Action: 'ScaleTo', Capacity: capacity });
  }

  /**
   * Replaces the instance that the alarm names, or an instance that is observed as unhealthy.
   */
  public static replaceUnhealthy(): AlarmAction {
    return new AlarmAction({ Action: 'ReplaceUnhealthy' });
  }

  /**
   * Publishes to a topic.
   *
   * @param topic A topic of the environment's account and region.
   */
  public static notify(topic: ITopic): AlarmAction {
    return new AlarmAction({ Action: 'Notify', TopicArn: topic.topicArn });
  }

  private constructor(private readonly fields: { [name: string]: any }) {}

  /**
   * The fields of the action in a template.
   *
   * @internal
   */
  public _fields(): { [name: string]: any } {
    return this.fields;
  }
}

/**
 * A rule: the action that Envkeeper performs when an alarm enters the ALARM state.
 */
export interface AlarmRule {
  /**
   * The alarm: a name of `EnvironmentAlarm`, or the full name of your own alarm.
   *
   * Your own alarm needs a metric of the environment's group, and `ScalableEnvironment.rules` as an action. Give it a name,
   * and use the name here: a reference to the alarm would be circular.
   */
  readonly alarm: string;

  /**
   * The action.
   */
  readonly action: AlarmAction;

  /**
   * The cooldown in seconds after the action, from 0 to 86,400.
   *
   * @default 300
   */
  readonly cooldownSeconds?: number;

  /**
   * Whether the rule only reports the action.
   *
   * @default false
   */
  readonly dryRun?: boolean;
}
