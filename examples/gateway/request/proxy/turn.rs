//! [`Turn`]: a request's way among the targets of an upstream.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::header::{HeaderValue, SET_COOKIE};
use http::{Request, Response, StatusCode};
use tower_lua::{Tries, Try};

use super::Shared;
use super::connect::ConnectError;
use super::exchange::{Failure, copy};
use super::hashed::Hashed;
use super::request_body::{Progress, RequestBody};
use super::response_body::ResponseBody;
use crate::in_force::balancer::{Balancer, Found, Peer, Place, Report, Seat};
use crate::in_force::target::{Plan, Target};
use crate::request::flight::Flight;

/// A request's turn at an upstream.
pub(super) struct Turn {
    balancer: Arc<Balancer>,
    hashed: Hashed,
    /// Where it is, or was last.
    place: Place,
    seat: Option<Seat>,
    tried: Vec<Arc<Peer>>,
    /// The same for functions.
    tries: Vec<Try>,
    /// Where it would go if there were no upstream.
    origin: Arc<Target>,
}

impl Turn {
    /// The first place for a request, which `plan` leads to from then on. Nothing, where no target is
    /// well.
    pub(super) async fn take(
        shared: &Shared,
        balancer: Arc<Balancer>,
        hashed: Hashed,
        plan: &mut Plan,
    ) -> Result<Box<Self>, Failure> {
        let resolver = shared.connector.resolver();
        let next = balancer.next(resolver, hashed.hash, &[]).await;
        let Some(place) = next else {
            tracing::error!("upstream {}: {}", balancer.upstream().name, Failure::NoPeer);
            return Err(Failure::NoPeer);
        };
        let seat = Some(Seat::at(&place.peer));
        let origin = Arc::clone(&plan.target);
        let (tried, tries) = (Vec::new(), vec![Try::new(place.peer.addr, SystemTime::now())]);
        let turn = Self { balancer, hashed, place, seat, tried, tries, origin };
        plan.target = turn.target()?;
        Ok(Box::new(turn))
    }

    fn target(&self) -> Result<Arc<Target>, Failure> {
        let host_header = self.balancer.upstream().host_header.as_deref();
        let target = self.origin.at_peer(&self.place, host_header);
        target.map(Arc::new).map_err(|_| Failure::Invalid)
    }

    /// Goes on to another peer.
    async fn next(&mut self, shared: &Shared) -> Result<Arc<Target>, Failure> {
        self.tried.push(Arc::clone(&self.place.peer));
        let resolver = shared.connector.resolver();
        let next = self.balancer.next(resolver, self.hashed.hash, &self.tried).await;
        self.place = next.ok_or(Failure::NoPeer)?;
        self.seat = Some(Seat::at(&self.place.peer));
        self.tries.push(Try::new(self.place.peer.addr, SystemTime::now()));
        self.target()
    }

    /// Notes why a peer gave no response.
    fn failed(&mut self, failure: &Failure) {
        let report = match failure {
            Failure::Connect(ConnectError::TimedOut) | Failure::TimedOut => Report::Timeout,
            Failure::Connect(..) | Failure::Broken(_) | Failure::Unsound => Report::TcpFailure,
            Failure::ClientTimedOut | Failure::Invalid | Failure::NowhereElse | Failure::NoPeer => {
                return;
            }
        };
        self.balancer.report(&self.place, report, Found::ByRequest);
        let is_late = report == Report::Timeout;
        let status = if is_late { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY };
        if let Some(last) = self.tries.last_mut() {
            *last = last.failed(status);
        }
    }

    /// Where it was tried.
    pub(super) fn tries(&self) -> Tries {
        self.tries.iter().copied().collect()
    }

    /// Notes what a peer has answered since `start`, and gives the response what it needs.
    fn answered(
        &mut self,
        response: Response<ResponseBody>,
        start: Instant,
    ) -> Response<ResponseBody> {
        self.place.peer.took(start.elapsed());
        match response.status().as_u16() {
            504 => self.balancer.report(&self.place, Report::Timeout, Found::ByRequest),
            status => self.balancer.report_status(&self.place, status, Found::ByRequest),
        }
        let seat = self.seat.take();
        let mut response = response.map(|body| body.seated(seat));
        if let Some(cookie) = self.hashed.cookie.take() {
            set_cookie(&mut response, cookie);
        }
        response
    }
}

impl Shared {
    /// Sends a request to a target of an upstream; to another where that cannot be connected to, or
    /// breaks, if no harm can come of it.
    pub(super) async fn exchange_among(
        &self,
        request: &mut Request<RequestBody>,
        plan: &mut Plan,
        turn: &mut Turn,
        progress: Option<&Progress>,
        flight: &Flight,
    ) -> Result<Response<ResponseBody>, Failure> {
        let mut retries = std::mem::take(&mut plan.retries);
        loop {
            let spare = if retries == 0 { None } else { copy(request) };
            let start = Instant::now();
            let failure = match self.exchange(request, plan, progress, flight, None).await {
                Ok(response) => return Ok(turn.answered(response, start)),
                Err(failure) => failure,
            };
            turn.failed(&failure);
            match (failure, spare) {
                (failure, _) if retries == 0 => return Err(failure),
                (Failure::Connect(error), _) => tracing::debug!("{error}, trying another target"),
                (Failure::Broken(_) | Failure::TimedOut | Failure::Unsound, Some(spare)) => {
                    *request = *spare;
                }
                (failure, _) => return Err(failure),
            }
            let before = std::mem::replace(&mut plan.target, turn.next(self).await?);
            plan.target.take_over(&before, request);
            retries -= 1;
        }
    }
}

/// Sets a cookie over one of the same name.
fn set_cookie<B>(response: &mut Response<B>, cookie: HeaderValue) {
    let headers = response.headers_mut();
    let others =
        headers.get_all(SET_COOKIE).iter().filter(|other| name_of(other) != name_of(&cookie));
    let mut cookies: Vec<_> = others.cloned().collect();
    headers.remove(SET_COOKIE);
    cookies.push(cookie);
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
}

fn name_of(cookie: &HeaderValue) -> &[u8] {
    cookie.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default()
}
