//! The course of a verb: its calls, its question, and the output of its report.

use std::fs;
use std::time::Duration;

use ::ledger::timeline::{Range, page};
use clap::CommandFactory as _;
use environment::DEFAULT_PROJECT;
use serde_json::{Value, json};

use crate::arguments::{Arguments, Environment, File, Options, Timeline, Verb};
use crate::console::Console;
use crate::exit::Exit;
use crate::report::{Failure, Report, document};
use crate::service::{LogQuery, Service, ServiceError};
use crate::session::Session;
use crate::since::Since;
use crate::style::screen;
use crate::template::Template;
use crate::verbs::change::Change;
use crate::verbs::health::{self, Check};
use crate::verbs::watch::LastEntries;
use crate::verbs::{differences, environments, ledger, status, template, timeline, version, watch, why};

/// The time between two refreshes of `watch`.
const REFRESH: Duration = Duration::from_secs(5);

/// The time range of `events`, `timeline`, `logs` and `watch` without `--since`: a day.
const DAY: Since = Since::Before(Duration::from_hours(24));

/// The time range of `why` without `--since`: two weeks, the usual life of an instance before its image is replaced.
const TWO_WEEKS: Since = Since::Before(Duration::from_hours(14 * 24));

/// The values outside of the arguments that a verb depends on.
pub struct Surroundings<'a, S, C> {
    /// The calls to AWS.
    pub service: &'a S,
    /// The region of the configuration; `--region` is already a part of it.
    pub region: Option<&'a str>,
    /// The caller, `user@host`.
    pub caller: &'a str,
    /// The time, in ms since the epoch.
    pub now_ms: fn() -> u64,
    /// Whether the output may have colours; a terminal and `--no-color` are considered as well.
    pub allows_colour: bool,
    /// The terminal.
    pub console: &'a mut C,
}

/// Runs a verb, prints its report, and returns the exit code.
pub async fn run<S: Service, C: Console>(arguments: &Arguments, surroundings: Surroundings<'_, S, C>) -> Exit {
    let Arguments { options, verb } = arguments;
    let has_colour = surroundings.allows_colour && !options.no_color && surroundings.console.is_terminal();
    let mut course = Course { options, verb, surroundings, has_colour };
    let report = match course.report().await {
        Ok(Some(report)) => report,
        // The verb has printed its output.
        Ok(None) => return Exit::Settled,
        Err(failure) => {
            let is_json = options.json;
            let report = Report::from(failure);
            if !is_json {
                course.surroundings.console.note(&screen(&report.screen, has_colour));
                return report.exit;
            }
            report
        }
    };
    course.print(&report);
    report.exit
}

/// A verb with everything that it needs.
struct Course<'a, S, C> {
    options: &'a Options,
    verb: &'a Verb,
    surroundings: Surroundings<'a, S, C>,
    has_colour: bool,
}

impl<'a, S: Service, C: Console> Course<'a, S, C> {
    /// The report of the verb; `None` if the verb has printed its output.
    async fn report(&mut self) -> Result<Option<Report>, Failure> {
        let report = match self.verb {
            Verb::Completion { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(*shell, &mut Arguments::command(), "envkeeper", &mut script);
                self.surroundings.console.print(&String::from_utf8_lossy(&script));
                return Ok(None);
            }
            Verb::Validate(file) => self.validate(file).await?,
            Verb::Doctor => self.doctor().await,
            Verb::Version => version::version(self.deployed_version().await),
            Verb::List => {
                let session = self.session()?;
                let (project, region) = (&session.deployment.project, &session.deployment.region);
                environments::list(&session.environments().await?, project, region)
            }
            Verb::Status(environment) => status::status(self.ask(environment, "status").await?),
            Verb::Instances(environment) => status::instances(&self.ask(environment, "status").await?),
            Verb::Rollout(environment) => status::rollout(self.ask(environment, "rollout").await?),
            Verb::Drift(environment) => differences::drift(self.ask(environment, "drift").await?),
            Verb::Inventory(environment) => environments::inventory(self.ask(environment, "inventory").await?),
            Verb::Plan(file) => self.plan(file).await?,
            Verb::Events(environment) => self.events(environment).await?,
            Verb::Timeline(timeline) => return self.timeline(timeline).await,
            Verb::Logs { environment, instance } => self.logs(environment, instance.as_deref()).await?,
            Verb::Why { instance, environment } => self.why(instance, environment.as_deref()).await?,
            Verb::Watch { environment, until_settled } => self.watch(environment, *until_settled).await?,
            Verb::Repair(environment) => self.change(environment, &Change::Repair).await?,
            Verb::Roll(environment) => self.change(environment, &Change::Roll).await?,
            Verb::Rollback(environment) => self.change(environment, &Change::Rollback).await?,
            Verb::Cancel(environment) => self.change(environment, &Change::Cancel).await?,
            Verb::Release(environment) => self.change(environment, &Change::Release).await?,
            Verb::Unlock(environment) => self.change(environment, &Change::Unlock).await?,
            Verb::Hold { environment, hours } => self.change(environment, &Change::Hold { hours: *hours }).await?,
            Verb::AllowAdoption { environment, owner } => {
                self.change(environment, &Change::AllowAdoption { owner: owner.clone() }).await?
            }
            Verb::Delete { environment, stack_id, logical_id } => {
                let former_owner = stack_id.clone().zip(logical_id.clone());
                self.change(environment, &Change::Delete { former_owner }).await?
            }
        };
        Ok(Some(report))
    }

    fn print(&mut self, report: &Report) {
        let text = if self.options.json {
            document(self.verb.name(), report) + "\n"
        } else {
            screen(&report.screen, self.has_colour)
        };
        self.surroundings.console.print(&text);
    }

    fn project(&self) -> &'a str {
        self.options.project.as_deref().unwrap_or(DEFAULT_PROJECT)
    }

    fn session(&self) -> Result<Session<'a, S>, Failure> {
        let region = self.surroundings.region.ok_or(ServiceError::NoRegion)?;
        Ok(Session::new(self.surroundings.service, self.project(), region, self.surroundings.caller))
    }

    fn since_ms(&self, default: Since) -> u64 {
        self.options.since.unwrap_or(default).from_ms((self.surroundings.now_ms)())
    }

    /// The result of a reading request about an environment.
    async fn ask(&self, Environment { environment }: &Environment, request: &str) -> Result<Value, Failure> {
        let session = self.session()?;
        let id = session.names(environment)?.environment_id();
        session.read(json!({ "Request": request, "Environment": id })).await
    }

    fn template(&self, file: &File) -> Result<Template, Failure> {
        let path = file.file.display();
        let next = format!("envkeeper {} --help", self.verb.name());
        let text = fs::read_to_string(&file.file)
            .map_err(|error| Failure::new(Exit::Error, format!("{path} cannot be read: {error}"), next.clone()))?;
        let parameters = file.parameters.iter().cloned().collect();
        Template::read(&text, file.resource.as_deref(), &parameters)
            .map_err(|error| Failure::new(Exit::Error, format!("{path}: {error}"), next))
    }

    /// The check without a call. If the user names a deployment, its function applies its defaults and allow-lists instead.
    async fn validate(&self, file: &File) -> Result<Report, Failure> {
        let template = self.template(file)?;
        let path = file.file.display().to_string();
        let properties = Value::from(template.properties.clone());
        let deployment = template::assumed_deployment(&properties, self.project(), self.surroundings.region);
        let violations = template::offline(&template, &deployment);
        if self.options.project.is_none() {
            let checked_by = "by the rules of this version; the deployment's defaults and limits were not asked for";
            return Ok(template::validate(&path, &template, &violations, checked_by));
        }
        let session = self.session()?;
        let unresolved: Vec<&str> = template.unresolved.iter().map(|it| it.property.as_str()).collect();
        let request = json!({ "Request": "validate", "ResourceProperties": properties, "Unresolved": unresolved });
        let violations = template::of_service(&session.read(request).await?);
        let checked_by = format!("by the deployment {} in {}", session.deployment.project, session.deployment.region);
        Ok(template::validate(&path, &template, &violations, &checked_by))
    }

    async fn plan(&self, file: &File) -> Result<Report, Failure> {
        let template = self.template(file)?;
        let session = self.session()?;
        let request = json!({ "Request": "plan", "ResourceProperties": template.properties });
        Ok(differences::plan(session.read(request).await?, &template.unresolved))
    }

    async fn events(&self, Environment { environment }: &Environment) -> Result<Report, Failure> {
        let session = self.session()?;
        let names = session.names(environment)?;
        let since_ms = self.since_ms(DAY);
        let entries = session.ledger(&names, since_ms, None).await?;
        Ok(ledger::events(&names.scaling_log_group().name, &entries, since_ms))
    }

    /// The page, into its file or to the output. A document of `--json` needs the output for itself.
    async fn timeline(&mut self, timeline: &Timeline) -> Result<Option<Report>, Failure> {
        let Timeline { environment: Environment { environment }, output, size, theme } = timeline;
        if self.options.json && output.is_none() {
            let message = "--json prints a document, so the page needs a file";
            return Err(Failure::usage(message, "repeat the command with --output FILE"));
        }
        let range = Range::new(self.since_ms(DAY), (self.surroundings.now_ms)()).map_err(|error| {
            Failure::usage(
                format!("--since: {error}"),
                "repeat the command with an earlier --since, such as --since 1d",
            )
        })?;
        let session = self.session()?;
        let names = session.names(environment)?;
        let entries = session.ledger(&names, range.entries_from_ms(), None).await?;
        let page = page(&entries.all, range, *size, *theme);
        let Some(path) = output else {
            self.surroundings.console.print(&page);
            if let Some(line) = ledger::cut(entries.is_cut) {
                self.surroundings.console.note(&screen(&[line], self.has_colour));
            }
            return Ok(None);
        };
        let output = path.display().to_string();
        fs::write(path, page).map_err(|error| {
            let next = "repeat the command with another --output";
            Failure::new(Exit::Error, format!("{output} cannot be written: {error}"), next)
        })?;
        Ok(Some(timeline::written(&names.scaling_log_group().name, &output, &entries)))
    }

    async fn logs(&self, Environment { environment }: &Environment, instance: Option<&str>) -> Result<Report, Failure> {
        let session = self.session()?;
        let group = session.names(environment)?.instance_log_group().name;
        let from_ms = self.since_ms(DAY);
        let stream_prefix = instance.map(str::to_owned);
        let query = LogQuery { group: group.clone(), stream_prefix, from_ms, filter: None, token: None };
        Ok(ledger::logs(&group, &session.log_events(query).await?, from_ms))
    }

    /// The life of an instance, from the ledger of its environment, or from the first ledger that knows it.
    async fn why(&self, instance: &str, environment: Option<&str>) -> Result<Report, Failure> {
        let session = self.session()?;
        let from_ms = self.since_ms(TWO_WEEKS);
        if let Some(environment) = environment {
            let names = session.names(environment)?;
            let entries = session.ledger(&names, from_ms, Some(instance)).await?;
            let group = names.scaling_log_group().name;
            return why::why(instance, &names.environment_id(), &group, &entries.all);
        }
        for known in session.environments().await? {
            let Some(id) = known["Environment"].as_str() else { continue };
            let names = session.names(id)?;
            let entries = match session.ledger(&names, from_ms, Some(instance)).await {
                Ok(entries) => entries.all,
                // The log group of a deleted environment is gone.
                Err(ServiceError::NotFound { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            if !entries.is_empty() {
                return why::why(instance, id, &names.scaling_log_group().name, &entries);
            }
        }
        Err(why::not_found(instance, "the ledger of any environment"))
    }

    async fn watch(
        &mut self,
        Environment { environment }: &Environment,
        until_settled: bool,
    ) -> Result<Report, Failure> {
        let session = self.session()?;
        let names = session.names(environment)?;
        let (mut entries, mut last_line) = (LastEntries::default(), String::new());
        loop {
            let request = json!({ "Request": "status", "Environment": names.environment_id() });
            let state = session.read(request).await?;
            let from_ms = entries.from_ms(self.since_ms(DAY));
            entries.add(session.ledger(&names, from_ms, None).await?.all);
            let report = watch::screen(&state, entries.shown(), (self.surroundings.now_ms)());
            let ends = until_settled && report.exit != Exit::UnderWay;
            if self.options.json {
                if ends {
                    return Ok(report);
                }
                self.print(&report);
            } else if self.surroundings.console.is_terminal() {
                // ECMA-48: the cursor to the first column of the first line, and erase the screen.
                self.surroundings.console.print("\u{1b}[H\u{1b}[2J");
                if ends {
                    return Ok(report);
                }
                self.print(&report);
            } else {
                let line = watch::change_line(&state, entries.shown());
                if line != last_line {
                    self.surroundings.console.print(&format!("{line}\n"));
                    last_line = line;
                }
                if ends {
                    return Ok(Report { screen: Vec::new(), ..report });
                }
            }
            tokio::time::sleep(REFRESH).await;
        }
    }

    /// Performs a change after a question, or with `--yes`. A repair shows its plan first, and ends if it is empty.
    async fn change(&mut self, Environment { environment }: &Environment, change: &Change) -> Result<Report, Failure> {
        let session = self.session()?;
        let id = session.names(environment)?.environment_id();
        let next = session.deployment.command(&["status", environment]);
        if !self.options.yes {
            if !self.surroundings.console.can_ask() {
                let message = format!("{} changes {id}, and there is no terminal for a question", change.name());
                return Err(Failure::usage(message, "repeat the command with --yes"));
            }
            if *change == Change::Repair {
                let plan = session.change(json!({ "Request": "repair", "Environment": id }), &next).await?;
                if differences::exit_of_plan(&plan) == Exit::Settled {
                    return Ok(differences::plan(plan, &[]));
                }
                let text = screen(&differences::plan_text(&plan), self.has_colour);
                self.surroundings.console.note(&text);
            }
            self.surroundings.console.note(&format!("{}\n", change.effect(&id)));
            if !self.surroundings.console.ask("Continue?") {
                return Err(Failure::new(Exit::Refused, "nothing was changed, since the answer was no", next));
            }
        }
        Ok(Change::report(session.change(change.request(&id), &next).await?))
    }

    async fn deployed_version(&self) -> Result<Option<String>, Failure> {
        let result = self.session()?.read(json!({ "Request": "doctor" })).await?;
        Ok(result["Version"].as_str().map(str::to_owned))
    }

    async fn doctor(&self) -> Report {
        let mut checks = Vec::new();
        let failed = |name: &str, failure: Failure| {
            Check::failed(name, failure.exit, format!("{}; next: {}", failure.message, failure.next))
        };
        match self.surroundings.service.credentials().await {
            Ok(found) => checks.push(Check::passed("credentials", found)),
            Err(error) => checks.push(failed("credentials", error.into())),
        }
        let session = match self.session() {
            Ok(session) => session,
            Err(failure) => {
                checks.push(failed("region", failure));
                return health::doctor(&checks);
            }
        };
        checks.push(Check::passed("region", session.deployment.region.as_str()));
        let name = format!("function {}", session.reader());
        match session.read(json!({ "Request": "doctor" })).await {
            Ok(result) => {
                let version = result["Version"].as_str().unwrap_or("of unknown version");
                checks.push(Check::passed(&name, format!("reached, {version}")));
                checks.extend(health::of_service(&result));
            }
            Err(failure) => checks.push(failed(&name, failure)),
        }
        health::doctor(&checks)
    }
}
