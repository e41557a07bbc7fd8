//! Who comes to a route, each for the living tenant `alice` where the address names one.

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Shows nothing.
    Nobody,
    /// Shows a password.
    OtherScheme,
    /// Shows what cannot be a token.
    Malformed,
    /// Shows a token in good form that nobody ever had.
    Unknown,
    /// Shows the token of another tenant.
    Other,
    /// Shows a token of alice's that was revoked.
    Revoked,
    /// Shows a token of alice's whose time is over.
    Expired,
    /// Shows a token of alice's with every scope but this.
    Without(&'static str),
    /// Shows alice's token.
    Own,
    /// Shows the token of a deleted tenant that was called alice, too.
    Tombstone,
    /// Shows what was not signed by Access.
    Forger,
    /// Was let in by Access, and has no role here.
    NoRole,
    /// Was let in by Access to look.
    Viewer,
    /// Was let in by Access to change things.
    Operator,
    /// An operator's browser, by the hand of another site's page.
    OtherSite,
    /// A browser on the plane's own pages that has no session.
    Visitor,
    /// The same, with alice's token in a header, which no browser sends.
    VisitorWithToken,
    /// A browser on the plane's own pages, with this cookie and the proof that its pages carry.
    Session(Cookie),
    /// The browser of somebody whom Access let in, on the operators' pages.
    Desk(Desk),
    /// A browser with alice's session, whose forms have this wrong with them.
    BadForm(Flaw),
}

/// The cookie of a session that was begun with a token, which has this caller's name above where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    Own,
    Other,
    Tombstone,
    Revoked,
    Expired,
    Without(&'static str),
    /// Alice's, a working day later.
    Over,
    /// The same, with a later end written into it.
    Prolonged,
    /// Another tenant's, with the id of alice's token written into it.
    Forged,
}

/// Who sits there, or what is wrong with the forms of an operator who does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desk {
    Operator,
    Viewer,
    /// Lacks the proof that a form is of a page that was shown to this operator.
    NoProof,
    /// Has the proof of another operator.
    OthersProof,
    /// Has the proof, and another site sends the form.
    OtherSite,
    /// Has the proof, and nobody says where the form comes from.
    NoOrigin,
}

/// What a form does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It lacks the proof that it is of a page of the session.
    NoProof,
    /// It has the proof of another tenant's session.
    OthersProof,
    /// It has the proof, and another site sent it.
    OtherSite,
    /// It has the proof, and nobody says where it comes from.
    NoOrigin,
}

impl Caller {
    pub const ALL: [Self; 40] = [
        Self::Nobody,
        Self::OtherScheme,
        Self::Malformed,
        Self::Unknown,
        Self::Other,
        Self::Revoked,
        Self::Expired,
        Self::Without("read"),
        Self::Without("write"),
        Self::Without("secrets"),
        Self::Own,
        Self::Tombstone,
        Self::Forger,
        Self::NoRole,
        Self::Viewer,
        Self::Operator,
        Self::OtherSite,
        Self::Visitor,
        Self::VisitorWithToken,
        Self::Session(Cookie::Own),
        Self::Session(Cookie::Other),
        Self::Session(Cookie::Tombstone),
        Self::Session(Cookie::Revoked),
        Self::Session(Cookie::Expired),
        Self::Session(Cookie::Without("read")),
        Self::Session(Cookie::Without("write")),
        Self::Session(Cookie::Without("secrets")),
        Self::Session(Cookie::Over),
        Self::Session(Cookie::Prolonged),
        Self::Session(Cookie::Forged),
        Self::BadForm(Flaw::NoProof),
        Self::BadForm(Flaw::OthersProof),
        Self::BadForm(Flaw::OtherSite),
        Self::BadForm(Flaw::NoOrigin),
        Self::Desk(Desk::Operator),
        Self::Desk(Desk::Viewer),
        Self::Desk(Desk::NoProof),
        Self::Desk(Desk::OthersProof),
        Self::Desk(Desk::OtherSite),
        Self::Desk(Desk::NoOrigin),
    ];

    /// Whether a page of the plane's own sends this caller's forms, as far as a browser says.
    pub fn is_on_own_page(self) -> bool {
        match self {
            Self::Visitor | Self::VisitorWithToken | Self::Session(_) => true,
            Self::BadForm(flaw) => matches!(flaw, Flaw::NoProof | Flaw::OthersProof),
            Self::Desk(desk) => !matches!(desk, Desk::OtherSite | Desk::NoOrigin),
            _ => false,
        }
    }

    /// Whether this caller has opened alice, or the deleted one that was called so, and still may look at it.
    pub fn has_session(self) -> bool {
        match self {
            Self::BadForm(_) => true,
            Self::Session(cookie) => matches!(cookie, Cookie::Own | Cookie::Tombstone | Cookie::Without(_)),
            _ => false,
        }
    }

    /// Whether this caller is of the deleted tenant.
    pub fn is_tombstone(self) -> bool {
        matches!(self, Self::Tombstone | Self::Session(Cookie::Tombstone))
    }
}
