//! The six processes and their replicas: started side by side, found by name, stopped in order.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::options::StackOptions;
use crate::{
    Port, Ports, Program, Secrets, Service, Ui,
    engines::Engines,
    environment::{self, Settings},
    program::Spec,
    web,
};

const READY_WITHIN: Duration = Duration::from_secs(90);
/// Between two probes of processes that start.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Longer than the processes' own limit for draining (20 s).
const STOP_WITHIN: Duration = Duration::from_secs(25);

#[derive(Debug)]
pub struct Processes {
    running: Vec<Process>,
    binaries: PathBuf,
    engines: Vec<Engines>,
    replicas: Vec<(Service, usize)>,
    logs: PathBuf,
    ports: Ports,
    own_group: bool,
    given: Vec<(String, String)>,
    env: Vec<(String, String)>,
    stopped: bool,
}

#[derive(Debug)]
struct Process {
    name: String,
    service: Service,
    ops: Port,
    program: Program,
    _listeners: Vec<Port>,
}

impl Process {
    fn ops_url(&self) -> String {
        format!("http://{}", self.ops.address())
    }

    /// Whether it is ready, or why not yet; an error if it has ended.
    async fn probe(&mut self) -> Result<Result<(), String>> {
        if let Some(status) = self.program.ended() {
            let what = format!("ended with {status} before it was ready");
            return Err(self.program.failure(&what));
        }
        Ok(web::ready(&self.ops_url()).await)
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let url = self.ops_url();
        self.program
            .wait_until(READY_WITHIN, async || web::ready(&url).await)
            .await
    }
}

impl Processes {
    pub fn new(options: &StackOptions) -> Self {
        Self {
            running: Vec::new(),
            binaries: options.binaries.clone(),
            engines: vec![options.engines.clone()],
            replicas: options.replicas.clone(),
            logs: options.servers.logs.clone(),
            ports: options.servers.ports,
            own_group: options.servers.own_group,
            given: options.given.clone(),
            env: options.env.clone(),
            stopped: false,
        }
    }

    /// Starts all six, and their replicas, at once: they wait for each other and for the migrations.
    pub async fn start_all(
        &mut self,
        ui: Ui,
        settings: &Settings,
        secrets: &Secrets,
    ) -> Result<()> {
        for service in Service::ALL {
            let ops = self.ports.pick(service.ops_port())?;
            let process = self.launch(
                service.name(),
                service,
                (ops, Vec::new()),
                settings,
                secrets,
            )?;
            self.running.push(process);
            for _ in 1..self.wanted(service) {
                let process = self.launch_replica(service, settings, secrets)?;
                self.running.push(process);
            }
        }
        self.wait_ready(ui).await
    }

    fn wanted(&self, service: Service) -> usize {
        let mut replicas = self.replicas.iter();
        let wanted = replicas.find(|(other, _)| *other == service);
        wanted.map_or(1, |(_, number)| *number)
    }

    /// Probes all of them in turn, so that a failure is reported at once.
    async fn wait_ready(&mut self, ui: Ui) -> Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        let mut waiting: Vec<&mut Process> = self.running.iter_mut().collect();
        while !waiting.is_empty() {
            let mut still = Vec::new();
            for process in waiting {
                let ready = process.probe().await?;
                match ready {
                    Ok(()) => ui.done(format!("{} is ready", process.name)),
                    Err(why) if Instant::now() > deadline => {
                        let what = format!("is not ready after {READY_WITHIN:?}: {why}");
                        return Err(process.program.failure(&what));
                    }
                    Err(_) => still.push(process),
                }
            }
            waiting = still;
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Starts one more and waits until it is ready; returns its name.
    pub async fn add_replica(
        &mut self,
        service: Service,
        settings: &Settings,
        secrets: &Secrets,
    ) -> Result<String> {
        let mut process = self.launch_replica(service, settings, secrets)?;
        process.wait_ready().await?;
        let name = process.name.clone();
        self.running.push(process);
        Ok(name)
    }

    /// The engines of all nodes.
    pub fn engines(&self) -> Vec<Engines> {
        self.engines.clone()
    }

    /// Engines of one more node, which end with the stack.
    pub fn add_engines(&mut self, engines: Engines) {
        self.engines.push(engines);
    }

    /// A replica listens on free ports.
    fn launch_replica(
        &self,
        service: Service,
        settings: &Settings,
        secrets: &Secrets,
    ) -> Result<Process> {
        let replicas = self
            .running
            .iter()
            .filter(|process| process.service == service)
            .count();
        let name = format!("{service}-{}", replicas + 1);
        let mut settings = settings.clone();
        let mut listeners = Vec::new();
        for address in match service {
            Service::Api => vec![&mut settings.api],
            Service::PushHub => vec![&mut settings.push_hub],
            Service::Gateway => vec![&mut settings.gateway_grpc, &mut settings.gateway_http],
            _ => Vec::new(),
        } {
            let port = Ports::Free.pick(0)?;
            *address = port.address();
            listeners.push(port);
        }
        let ops = Ports::Free.pick(0)?;
        self.launch(&name, service, (ops, listeners), &settings, secrets)
    }

    fn launch(
        &self,
        name: &str,
        service: Service,
        (ops, listeners): (Port, Vec<Port>),
        settings: &Settings,
        secrets: &Secrets,
    ) -> Result<Process> {
        let ops_address = ops.address();
        let mut env = environment::variables(service, &ops_address, settings, secrets, &self.given);
        env.extend(self.env.iter().cloned());
        let spec = Spec {
            name: name.to_owned(),
            program: self.binaries.join(service.name()),
            args: Vec::new(),
            env,
            dir: self.logs.clone(),
            log: self.logs.join(format!("{name}.log")),
            account: None,
            own_group: self.own_group,
            stop_signal: Signal::TERM,
            drop_signal: Signal::KILL,
        };
        let program = spec.start()?;
        Ok(Process {
            name: name.to_owned(),
            service,
            ops,
            program,
            _listeners: listeners,
        })
    }

    fn find(&mut self, name: &str) -> Result<&mut Process> {
        let mut all = self.running.iter_mut();
        all.find(|process| process.name == name)
            .with_context(|| format!("no process {name}"))
    }

    pub fn by_name(&mut self, name: &str) -> Result<&mut Program> {
        Ok(&mut self.find(name)?.program)
    }

    pub fn get(&mut self, service: Service) -> Result<&mut Program> {
        self.by_name(service.name())
    }

    pub async fn start_again(&mut self, name: &str) -> Result<()> {
        let process = self.find(name)?;
        process.program = process.program.start_again()?;
        process.wait_ready().await
    }

    /// Names and exit statuses of those that have ended.
    pub fn ended(&mut self) -> Vec<(String, String)> {
        let ended = self.running.iter_mut().filter_map(|process| {
            let status = process.program.ended()?;
            Some((process.name.clone(), status.to_string()))
        });
        ended.collect()
    }

    pub fn pids(&self) -> BTreeMap<String, u32> {
        let pids = self.running.iter();
        pids.filter_map(|process| Some((process.name.clone(), process.program.pid()?)))
            .collect()
    }

    pub fn ops(&self) -> BTreeMap<String, String> {
        self.running
            .iter()
            .map(|process| (process.name.clone(), process.ops_url()))
            .collect()
    }

    pub fn logs(&self) -> String {
        let logs = self.running.iter().map(|process| {
            let log = process.program.tail();
            format!(
                "=== {} ===
{log}
",
                process.name
            )
        });
        logs.collect::<Vec<_>>().concat()
    }

    /// Signals all of them, the gateway first, so that no new request arrives while the others drain.
    pub async fn stop_all(&mut self, ui: Ui) -> Result<()> {
        ui.step("stopping the processes");
        self.running
            .sort_by_key(|process| std::cmp::Reverse(process.service));
        for process in &self.running {
            process.program.signal(Signal::TERM);
        }
        let mut outcome = Ok(());
        for process in &mut self.running {
            outcome = outcome.and(process.program.stop(STOP_WITHIN).await);
        }
        outcome
    }

    /// The stack was stopped in order: a drop prints no logs.
    pub fn mark_stopped(&mut self) {
        self.stopped = true;
    }
}

impl Drop for Processes {
    /// A stack of a test that is dropped without being stopped belongs to a test that failed: its logs are
    /// printed (a test runner shows them for failed tests only) and its engines killed.
    fn drop(&mut self) {
        if !self.stopped && !self.own_group {
            Ui::quiet().plain(self.logs());
            for engines in &self.engines {
                let _ = engines.kill();
            }
        }
    }
}
