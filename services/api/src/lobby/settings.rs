//! The fields of a game that its owner sets. All wrong fields are reported at once.

use galaxy_core::{Timestamp, text, timezone};
use galaxy_http::Invalid;
use galaxy_runtime::{Schedule, options, versions::EngineVersion};
use serde_json::{Map, Value};

use super::{
    game::Game,
    model::{GameStatus, MAX_PLAYERS, MIN_PLAYERS, Visibility},
    refusal::{Error, Refusal, wrong},
};

/// The fields of a request to create or change a game; absent ones stay as they are.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// 3–60 visible characters on one line.
    pub game_name: Option<String>,
    /// Up to 2,000 characters.
    pub description: Option<String>,
    pub visibility: Option<Visibility>,
    /// 2–64.
    pub min_players: Option<i32>,
    /// 2–64, at least the minimum.
    pub max_players: Option<i32>,
    /// In the future.
    pub enrollment_ends_at: Option<Timestamp>,
    /// Five-field cron.
    pub turn_schedule: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// Another kind of game.
    pub engine_name: Option<String>,
    /// An enabled version of it.
    pub target_engine_version: Option<String>,
    /// All options of the game, as the version's schema takes them.
    pub options: Option<Map<String, Value>>,
    /// The version that the game will have with these settings; the caller has looked it up.
    pub version: Option<EngineVersion>,
}

impl Settings {
    /// Sets what is given. 400 with every wrong field otherwise; the game is then not to be saved.
    pub fn apply(self, game: &mut Game, now: Timestamp) -> Result<(), Error> {
        let mut invalid = Invalid::default();
        if let Some(name) = self.game_name
            && let Some(name) = invalid.check("game_name", name_of(&name))
        {
            game.game_name = name;
        }
        if let Some(description) = self.description
            && let Some(text) = invalid.check("description", text::paragraph(&description, 2_000))
        {
            game.description = text;
        }
        if let Some(visibility) = self.visibility {
            game.visibility = visibility;
        }
        set_players(game, self.min_players, self.max_players, &mut invalid);
        if let Some(at) = self.enrollment_ends_at {
            if at <= now {
                invalid.push("enrollment_ends_at", "must be in the future");
            }
            game.enrollment_ends_at = at;
        }
        if let Some(schedule) = self.turn_schedule
            && invalid
                .check("turn_schedule", schedule.parse::<Schedule>())
                .is_some()
        {
            game.turn_schedule = schedule;
        }
        if let Some(zone) = self.time_zone
            && let Some(zone) = invalid.check("time_zone", zone_of(&zone))
        {
            game.time_zone = zone;
        }
        let other_version = self.engine_name.is_some() || self.target_engine_version.is_some();
        if let Some(engine) = self.engine_name {
            game.engine_name = engine;
            game.target_engine_version = None;
        }
        if self.target_engine_version.is_some() {
            game.target_engine_version = self.target_engine_version;
        }
        if let Some(version) = &self.version
            && (other_version || self.min_players.is_some() || self.max_players.is_some())
        {
            check_players(game, version, &mut invalid);
        }
        let other_options = self.options.is_some();
        if let Some(options) = self.options {
            game.options = options.into();
        }
        if other_version || other_options {
            check_options(game, self.version.as_ref(), &mut invalid);
        }
        Ok(invalid.finish(Some(()))?)
    }

    /// Sets what may still change in the game's status: everything in a draft, the description and a later end while
    /// it enrolls, the options until it starts, nothing afterwards.
    pub fn apply_later(self, game: &mut Game, now: Timestamp) -> Result<(), Error> {
        match game.status {
            GameStatus::Draft => {}
            GameStatus::EnrollmentOpen => {
                self.refuse_fixed(game.status, false)?;
                if self
                    .enrollment_ends_at
                    .is_some_and(|at| at < game.enrollment_ends_at)
                {
                    return Err(wrong(
                        "enrollment_ends_at",
                        "must not be earlier than it is, once enrollment is open",
                    ));
                }
            }
            status => self.refuse_fixed(status, true)?,
        }
        self.apply(game, now)
    }

    fn refuse_fixed(&self, status: GameStatus, all: bool) -> Result<(), Refusal> {
        let given = [
            ("game_name", self.game_name.is_some()),
            ("description", all && self.description.is_some()),
            ("visibility", self.visibility.is_some()),
            ("min_players", self.min_players.is_some()),
            ("max_players", self.max_players.is_some()),
            (
                "enrollment_ends_at",
                all && self.enrollment_ends_at.is_some(),
            ),
            ("turn_schedule", self.turn_schedule.is_some()),
            ("time_zone", self.time_zone.is_some()),
            ("engine_name", self.engine_name.is_some()),
            (
                "target_engine_version",
                self.target_engine_version.is_some(),
            ),
            (
                "options",
                !status.is_before_start() && self.options.is_some(),
            ),
        ];
        let fields: Vec<_> = given
            .into_iter()
            .filter_map(|(name, given)| given.then_some(name))
            .collect();
        if fields.is_empty() {
            Ok(())
        } else {
            Err(Refusal::NotEditable { status, fields })
        }
    }
}

fn name_of(text: &str) -> Result<String, text::InvalidText> {
    let name = text::line(text, 3, 60)?;
    // Marks are not seen as characters of their own, but the column counts them.
    if name.chars().count() > 60 {
        return Err(text::InvalidText::Length { min: 3, max: 60 });
    }
    Ok(name)
}

fn zone_of(name: &str) -> Result<String, &'static str> {
    timezone::canonical_name(name).ok_or("must be an IANA time zone such as Europe/Berlin")
}

fn set_players(game: &mut Game, min: Option<i32>, max: Option<i32>, invalid: &mut Invalid) {
    let range = MIN_PLAYERS..=MAX_PLAYERS;
    let before = (game.min_players, game.max_players);
    game.min_players = min.unwrap_or(before.0);
    game.max_players = max.unwrap_or(before.1);
    if !range.contains(&game.min_players) {
        invalid.push("min_players", "must be 2 to 64");
    }
    if !range.contains(&game.max_players) {
        invalid.push("max_players", "must be 2 to 64");
    }
    if game.max_players < game.min_players {
        invalid.push("max_players", "must be at least min_players");
    }
}

fn check_players(game: &Game, version: &EngineVersion, invalid: &mut Invalid) {
    let (min, max) = (version.min_players, version.max_players);
    let takes = format!("{} takes {min} to {max} players", version.id());
    if game.min_players < min {
        invalid.push(
            "min_players",
            format_args!("must be at least {min}: {takes}"),
        );
    }
    if game.max_players > max {
        invalid.push(
            "max_players",
            format_args!("must be at most {max}: {takes}"),
        );
    }
}

/// Without a version there are no options; at its start the game is checked again.
fn check_options(game: &Game, version: Option<&EngineVersion>, invalid: &mut Invalid) {
    let schema = version.and_then(|version| version.options_schema.as_ref());
    let checked = options::check(schema, &game.options_object());
    for problem in checked.err().unwrap_or_default() {
        invalid.push(format!("options{}", problem.pointer), problem.reason);
    }
}

#[cfg(test)]
mod tests {
    use galaxy_http::ApiError;
    use galaxy_testkit::noon;
    use jiff::SignedDuration;

    use super::*;

    fn later(hours: i64) -> Timestamp {
        noon() + SignedDuration::from_hours(hours)
    }

    fn game(status: GameStatus) -> Game {
        Game {
            status,
            enrollment_ends_at: later(2),
            ..Game::example()
        }
    }

    fn fields(error: &ApiError) -> Vec<&str> {
        error
            .details()
            .iter()
            .map(|wrong| wrong.field.as_str())
            .collect()
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let settings = Settings {
            game_name: Some("ab".to_owned()),
            description: Some("x".repeat(2_001)),
            visibility: None,
            min_players: Some(1),
            max_players: Some(65),
            enrollment_ends_at: Some(noon()),
            turn_schedule: Some("* * * * * *".to_owned()),
            time_zone: Some("Mars/Olympus".to_owned()),
            ..Settings::default()
        };
        let error: ApiError = settings
            .apply(&mut Game::example(), noon())
            .unwrap_err()
            .into();
        assert_eq!(error.code(), "invalid_request");
        assert_eq!(
            fields(&error),
            [
                "game_name",
                "description",
                "min_players",
                "max_players",
                "enrollment_ends_at",
                "turn_schedule",
                "time_zone"
            ]
        );
    }

    #[test]
    fn a_minimum_above_the_maximum_is_refused_whichever_of_them_changes() {
        for settings in [
            Settings {
                min_players: Some(9),
                ..Settings::default()
            },
            Settings {
                min_players: Some(5),
                max_players: Some(4),
                ..Settings::default()
            },
        ] {
            let error: ApiError = settings
                .apply(&mut Game::example(), noon())
                .unwrap_err()
                .into();
            assert_eq!(fields(&error), ["max_players"]);
        }
    }

    #[test]
    fn a_draft_changes_freely_and_an_enrolling_game_only_in_its_description_and_a_later_end() {
        let rename = || Settings {
            game_name: Some("Orion two".to_owned()),
            ..Settings::default()
        };
        let describe = || Settings {
            description: Some("new".to_owned()),
            ..Settings::default()
        };
        let end = |hours| Settings {
            enrollment_ends_at: Some(later(hours)),
            ..Settings::default()
        };
        let change = |status, settings: Settings| settings.apply_later(&mut game(status), noon());

        assert!(change(GameStatus::Draft, rename()).is_ok());
        assert!(change(GameStatus::Draft, end(1)).is_ok());
        assert!(change(GameStatus::EnrollmentOpen, describe()).is_ok());
        assert!(change(GameStatus::EnrollmentOpen, end(3)).is_ok());
        assert!(matches!(
            change(GameStatus::EnrollmentOpen, end(1)),
            Err(Error::Invalid(_))
        ));
        for (status, settings) in [
            (GameStatus::EnrollmentOpen, rename()),
            (GameStatus::ReadyToStart, describe()),
            (GameStatus::Running, end(3)),
        ] {
            let refused = change(status, settings);
            assert!(
                matches!(refused, Err(Error::Refused(Refusal::NotEditable { .. }))),
                "{refused:?}"
            );
        }
    }
}
