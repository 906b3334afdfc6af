//! The org itself: its metadata, its records, and one transaction at a time on them.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::catalog::Catalog;
use super::host::{Fault, Program, Record, RowError, TriggerCall, TriggerOp, User};
use super::journal::Journal;
use super::metadata;
use super::reader;
use super::schema::{ObjectKind, Schema};
use super::seed;
use super::store::Store;
use super::transaction::Transaction;
use crate::sandbox::faults::Faults;

/// Where published events go. Called after the commit, outside the org's lock, in the order of the commits; the record
/// carries `EventUuid`, `CreatedDate` and `CreatedById`.
pub trait EventSink: Send + Sync {
    fn publish(&self, event: Record);
}

pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

#[derive(Clone)]
pub struct OrgOptions {
    /// Where the records live between two runs; `None` keeps them in memory only.
    pub state_dir: Option<PathBuf>,
    /// 18 characters.
    pub org_id: String,
    pub organization_type: String,
    pub is_sandbox: bool,
    pub multi_currency: bool,
    pub person_accounts: bool,
    /// The users' time zone, as `America/New_York`.
    pub time_zone: String,
    pub clock: Clock,
    pub faults: Option<Arc<Faults>>,
    /// Permission sets, by API name, of the seeded clerk.
    pub clerk_permission_sets: Vec<String>,
    /// Permission sets, by API name, of the seeded integration user.
    pub integration_permission_sets: Vec<String>,
}

impl Default for OrgOptions {
    fn default() -> OrgOptions {
        OrgOptions {
            state_dir: None,
            org_id: super::record_id::numbered("00D", 1),
            organization_type: "Enterprise Edition".to_owned(),
            is_sandbox: true,
            multi_currency: false,
            person_accounts: false,
            time_zone: "UTC".to_owned(),
            clock: Arc::new(jiff::Timestamp::now),
            faults: None,
            clerk_permission_sets: Vec::new(),
            integration_permission_sets: Vec::new(),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OrgError {
    #[error("{file}: {what}")]
    Metadata { file: String, what: String },
    #[error("the org's state in {path} can't be used: {what}")]
    State { path: String, what: String },
    #[error("no permission set is called {0:?}; deploy the one you mean, or correct the name")]
    NoPermissionSet(String),
    #[error("no user is called {0:?}")]
    NoUser(String),
    #[error("the org can't make its first records: {0}")]
    Seed(String),
}

/// A whole sandbox org. Shared between threads; each transaction waits for the one before it.
pub struct Org {
    pub(super) catalog: Catalog,
    pub(super) program: Arc<dyn Program>,
    bus: Arc<dyn EventSink>,
    pub(super) options: OrgOptions,
    world: Mutex<World>,
    /// Committed events on their way to the bus, oldest first.
    outbox: Mutex<VecDeque<Record>>,
    delivering: Mutex<()>,
    revision: watch::Sender<u64>,
}

/// What the org's lock guards.
pub(super) struct World {
    pub store: Store,
    pub journal: Option<Journal>,
    /// Records that nobody may save until then.
    pub locks: BTreeMap<String, jiff::Timestamp>,
}

impl Org {
    /// Reads the package's metadata, then the state of the last run or, at the first one, seeds organization and users.
    pub fn open(
        package_dirs: &[PathBuf],
        program: Arc<dyn Program>,
        bus: Arc<dyn EventSink>,
        options: OrgOptions,
    ) -> Result<Arc<Org>, OrgError> {
        let catalog = metadata::load(package_dirs, &options)?;
        for name in options.clerk_permission_sets.iter().chain(&options.integration_permission_sets) {
            // `*_Clerk` stands for all that end like it.
            let is_meant = |own: &String| name.strip_prefix('*').map_or(own == name, |ending| own.ends_with(ending));
            if !catalog.permission_sets.keys().any(is_meant) {
                return Err(OrgError::NoPermissionSet(name.clone()));
            }
        }
        let mut store = Store::new(&catalog.schema);
        let journal = match &options.state_dir {
            Some(dir) => Some(Journal::open(dir, &catalog.schema, &mut store)?),
            None => None,
        };
        let world = World { store, journal, locks: BTreeMap::new() };
        let org = Arc::new(Org {
            catalog,
            program,
            bus,
            options,
            world: Mutex::new(world),
            outbox: Mutex::default(),
            delivering: Mutex::default(),
            revision: watch::channel(0).0,
        });
        seed::seed(&org)?;
        Ok(org)
    }

    pub fn schema(&self) -> Arc<Schema> {
        self.catalog.schema.clone()
    }

    pub fn org_id(&self) -> &str {
        &self.options.org_id
    }

    pub fn options(&self) -> &OrgOptions {
        &self.options
    }

    pub fn now(&self) -> jiff::Timestamp {
        (self.options.clock)()
    }

    /// One transaction as this user. On `Ok` it is committed, its events go to the bus, and event triggers run; on `Err`
    /// nothing of it remains, except events that are published immediately.
    ///
    /// The org is locked meanwhile: `work` asks its transaction, never the org itself.
    pub fn run<T>(&self, user: &User, work: impl FnOnce(&mut Transaction) -> Result<T, Fault>) -> Result<T, Fault> {
        let result = self.transact(user, false, work);
        self.deliver();
        result
    }

    /// As [`Org::run`], with the limits of asynchronous Apex.
    pub(super) fn run_async<T>(
        &self,
        user: &User,
        work: impl FnOnce(&mut Transaction) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let result = self.transact(user, true, work);
        self.deliver();
        result
    }

    pub(super) fn transact<T>(
        &self,
        user: &User,
        is_async: bool,
        work: impl FnOnce(&mut Transaction) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut world = self.world();
        let mut transaction = Transaction::begin(self, &mut world, user.clone(), is_async);
        let result = work(&mut transaction);
        let (events, changed) = match &result {
            Ok(_) => transaction.commit()?,
            Err(_) => (transaction.undo(), false),
        };
        if !events.is_empty() {
            self.outbox.lock().unwrap_or_else(PoisonError::into_inner).extend(events);
        }
        drop(world);
        if changed {
            self.revision.send_modify(|revision| *revision += 1);
        }
        result
    }

    /// Hands committed events to the bus and fires their triggers. One thread at a time does it, so that the bus sees
    /// the order of the commits; a thread that finds another one at it leaves its events to that one.
    fn deliver(&self) {
        loop {
            let Ok(delivering) = self.delivering.try_lock() else { return };
            loop {
                let events: Vec<Record> =
                    self.outbox.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
                if events.is_empty() {
                    break;
                }
                for event in &events {
                    self.bus.publish(event.clone());
                }
                self.fire_event_triggers(events);
            }
            drop(delivering);
            if self.outbox.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
                return;
            }
        }
    }

    /// Event triggers run after the commit, in transactions of their own, at most 2,000 events at a time. What they
    /// throw reaches nobody but the log, as in the real org.
    fn fire_event_triggers(&self, events: Vec<Record>) {
        let mut runs: Vec<(String, Vec<Record>)> = Vec::new();
        for event in events {
            if !self.program.has_trigger(&event.object, TriggerOp::AfterInsert) {
                continue;
            }
            match runs.last_mut() {
                Some((object, batch)) if *object == event.object && batch.len() < 2_000 => batch.push(event),
                _ => runs.push((event.object.clone(), vec![event])),
            }
        }
        let Some(automated) = self.user(seed::AUTOMATED_PROCESS) else { return };
        for (object, mut batch) in runs {
            let outcome = self.transact(&automated, false, |transaction| {
                let call = TriggerCall {
                    object: &object,
                    operation: TriggerOp::AfterInsert,
                    new: Some(&mut batch),
                    old: None,
                };
                self.program.clone().fire(transaction, call)
            });
            if let Err(fault) = outcome {
                tracing::warn!(object, exception = fault.exception, reason = fault.message, "an event trigger failed");
            }
        }
    }

    /// By username, whatever its case. Inactive users are not found.
    pub fn user(&self, username: &str) -> Option<User> {
        let world = self.world();
        let rows = world.store.table("User")?.find("Username", &super::host::Value::Text(username.to_owned()))?;
        rows.iter().find_map(|id| reader::user(&self.catalog, &world.store, id))
    }

    pub fn user_by_id(&self, id: &str) -> Option<User> {
        let id = super::record_id::parse(id)?;
        reader::user(&self.catalog, &self.world().store, &id)
    }

    /// Every active user, by the order in which they were made.
    pub fn users(&self) -> Vec<User> {
        let world = self.world();
        let Some(table) = world.store.table("User") else { return Vec::new() };
        table.rows().filter_map(|(id, _)| reader::user(&self.catalog, &world.store, id)).collect()
    }

    /// Makes a user with these permission sets. `administrator` may do everything.
    pub fn add_user(
        &self,
        username: &str,
        name: &str,
        administrator: bool,
        permission_sets: &[&str],
    ) -> Result<User, OrgError> {
        let profile = if administrator { seed::SYSTEM_ADMINISTRATOR } else { seed::STANDARD_USER };
        seed::add_user(self, username, name, profile)?;
        for set in permission_sets {
            self.assign_permission_set(username, set)?;
        }
        self.user(username).ok_or_else(|| OrgError::NoUser(username.to_owned()))
    }

    /// Holding it already is no error.
    pub fn assign_permission_set(&self, username: &str, permission_set: &str) -> Result<(), OrgError> {
        seed::assign(self, username, permission_set)
    }

    /// Until `duration` has passed, saving this record or a child of it fails with `UNABLE_TO_LOCK_ROW`.
    pub fn lock_row(&self, id: &str, duration: Duration) {
        let until = self.now().checked_add(duration).unwrap_or(jiff::Timestamp::MAX);
        if let Some(id) = super::record_id::parse(id) {
            self.world().locks.insert(id, until);
        }
    }

    /// Every record of an object that is not in the bin, formula fields computed, as an administrator sees them.
    pub fn records(&self, object: &str) -> Vec<Record> {
        let world = self.world();
        reader::all_records(self, &world.store, object)
    }

    /// Goes up with every committed change, so that a console knows when to look again.
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// The permission sets of the package, by API name.
    pub fn permission_sets(&self) -> Vec<String> {
        self.catalog.permission_sets.keys().cloned().collect()
    }

    /// Whether the user holds a permission such as `ApiEnabled` or a custom one.
    pub fn has_permission(&self, user: &User, name: &str) -> bool {
        let world = self.world();
        super::access::Rights::of(&self.catalog, &world.store, user).has_permission(name)
    }

    /// The custom permissions that the user holds, by API name.
    pub fn custom_permissions(&self, user: &User) -> Vec<String> {
        let world = self.world();
        let rights = super::access::Rights::of(&self.catalog, &world.store, user);
        self.catalog.custom_permissions.keys().filter(|name| rights.has_permission(name)).cloned().collect()
    }

    /// Whether the user may call an Apex class's exposed methods.
    pub fn may_call(&self, user: &User, class: &str) -> bool {
        let world = self.world();
        super::access::Rights::of(&self.catalog, &world.store, user).may_call(class)
    }

    /// What the user may do with an object's records.
    pub fn object_access(&self, user: &User, object: &str) -> super::host::ObjectAccess {
        let world = self.world();
        super::access::Rights::of(&self.catalog, &world.store, user).object(&self.catalog, object)
    }

    /// Whether this object can be published.
    pub fn is_event(&self, object: &str) -> bool {
        self.catalog.schema.object(object).is_some_and(|object| matches!(object.kind, ObjectKind::PlatformEvent { .. }))
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, VecDeque<Record>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error that a locked record gives.
pub(super) fn locked(id: &str) -> RowError {
    super::fault::row_error(
        "UNABLE_TO_LOCK_ROW",
        format!("unable to obtain exclusive access to this record or 1 records: {id}"),
        &[],
    )
}
