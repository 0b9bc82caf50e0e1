//! `resty.openssl.x509`.

use mlua::{AnyUserData, Lua, LuaString, Table, UserData, Value};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use super::key::{
    Format, Key, Padding, Scheme, Wanted, decode_pem, encode_pem, read, signature_from_der,
};
use super::{context, hash, join};
use crate::api::digest::Algorithm;
use crate::api::modules::Loader;
use crate::lua::check;

/// A certificate of an object, and its bytes.
struct Holder {
    certificate: Certificate,
    der: Vec<u8>,
}

impl UserData for Holder {}

type OrMessage<T> = mlua::Result<Result<T, &'static str>>;

pub(super) fn module(lua: &Loader<'_>) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    native.raw_set("load", lua.create_function(load)?)?;
    native.raw_set("export", lua.create_function(export)?)?;
    native.raw_set("name", lua.create_function(name)?)?;
    native.raw_set("facts", lua.create_function(facts)?)?;
    native.raw_set("alt_names", lua.create_function(alt_names)?)?;
    native.raw_set("public_key", lua.create_function(public_key)?)?;
    native.raw_set("verify", lua.create_function(verify)?)?;
    native.raw_set("digest", lua.create_function(digest)?)?;
    let is = |_: &Lua, value: Value| Ok(value.as_userdata().is_some_and(AnyUserData::is::<Holder>));
    native.raw_set("is", lua.create_function(is)?)?;
    join(lua, include_str!("x509.lua"), native)
}

fn load(lua: &Lua, (s, format): (LuaString, LuaString)) -> mlua::Result<Option<Holder>> {
    let (s, format) = (s.as_bytes(), format.as_bytes());
    check(lua, 0)?;
    if &*format != b"DER" {
        let labels = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];
        let part = decode_pem(&s).into_iter().find(|(label, _)| labels.contains(&label.as_str()));
        if let Some((_, der)) = part {
            return Ok(parsed(der));
        }
    }
    Ok(if &*format == b"PEM" { None } else { parsed(s.to_vec()) })
}

fn parsed(der: Vec<u8>) -> Option<Holder> {
    Certificate::from_der(&der).ok().map(|certificate| Holder { certificate, der })
}

fn of(lua: &Lua, value: &Value) -> mlua::Result<AnyUserData> {
    context::<Holder>(lua, value, "x509")
}

fn export(lua: &Lua, (holder, in_der): (Value, bool)) -> mlua::Result<LuaString> {
    let holder = of(lua, &holder)?;
    let holder = holder.borrow::<Holder>()?;
    if in_der {
        return lua.create_string(&holder.der);
    }
    lua.create_string(encode_pem("CERTIFICATE", &holder.der))
}

/// The names of the parts of a name that OpenSSL has short ones for.
const PARTS: [(&str, &str, &str, u32); 12] = [
    ("2.5.4.3", "CN", "commonName", 13),
    ("2.5.4.4", "SN", "surname", 100),
    ("2.5.4.5", "serialNumber", "serialNumber", 105),
    ("2.5.4.6", "C", "countryName", 14),
    ("2.5.4.7", "L", "localityName", 15),
    ("2.5.4.8", "ST", "stateOrProvinceName", 16),
    ("2.5.4.9", "street", "streetAddress", 660),
    ("2.5.4.10", "O", "organizationName", 17),
    ("2.5.4.11", "OU", "organizationalUnitName", 18),
    ("2.5.4.12", "title", "title", 106),
    ("1.2.840.113549.1.9.1", "emailAddress", "emailAddress", 48),
    ("0.9.2342.19200300.100.1.25", "DC", "domainComponent", 391),
];

/// The parts of the subject's or the issuer's name, in their order: each is a table with the number,
/// the short and the long name of its kind, and the value.
fn name(lua: &Lua, (holder, of_subject): (Value, bool)) -> mlua::Result<Table> {
    let holder = of(lua, &holder)?;
    let holder = holder.borrow::<Holder>()?;
    let tbs = holder.certificate.tbs_certificate();
    let name: &Name = if of_subject { tbs.subject() } else { tbs.issuer() };
    let parts = lua.create_table()?;
    for attribute in name.iter() {
        let id = attribute.oid.to_string();
        let known = PARTS.iter().find(|(own, ..)| *own == id);
        let (short, long, number) =
            known.map_or((&*id, &*id, 0), |(_, short, long, number)| (*short, *long, *number));
        let part = lua.create_table()?;
        part.raw_set("id", &*id)?;
        part.raw_set("nid", number)?;
        part.raw_set("sn", short)?;
        part.raw_set("ln", long)?;
        part.raw_set("blob", lua.create_string(attribute.value.value())?)?;
        parts.raw_push(part)?;
    }
    Ok(parts)
}

/// The serial number's bytes, the validity's begin and end in seconds since 1970, the version, and
/// the signature's name.
fn facts(lua: &Lua, (holder,): (Value,)) -> mlua::Result<(LuaString, f64, f64, u8, &'static str)> {
    let holder = of(lua, &holder)?;
    let holder = holder.borrow::<Holder>()?;
    let tbs = holder.certificate.tbs_certificate();
    let validity = tbs.validity();
    Ok((
        lua.create_string(tbs.serial_number().as_bytes())?,
        validity.not_before.to_unix_duration().as_secs_f64(),
        validity.not_after.to_unix_duration().as_secs_f64(),
        tbs.version() as u8 + 1,
        signature_of(&holder.certificate).map_or("UNDEF", |(name, ..)| name),
    ))
}

/// The subject's other names: pairs of kind and value.
fn alt_names(lua: &Lua, (holder,): (Value,)) -> mlua::Result<Option<Table>> {
    let holder = of(lua, &holder)?;
    let holder = holder.borrow::<Holder>()?;
    let found = holder.certificate.tbs_certificate().get_extension::<SubjectAltName>();
    let Ok(Some((_, SubjectAltName(names)))) = found else { return Ok(None) };
    let pairs = lua.create_table()?;
    for name in names {
        let (kind, value) = match name {
            GeneralName::DnsName(name) => ("DNS", name.as_str().to_owned()),
            GeneralName::Rfc822Name(name) => ("email", name.as_str().to_owned()),
            GeneralName::UniformResourceIdentifier(uri) => ("URI", uri.as_str().to_owned()),
            GeneralName::IpAddress(bytes) => ("IP", address(bytes.as_bytes())),
            _ => continue,
        };
        pairs.raw_push(lua.create_sequence_from([kind, &value])?)?;
    }
    Ok(Some(pairs))
}

fn address(bytes: &[u8]) -> String {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| std::net::Ipv4Addr::from(bytes).to_string());
    let v6 = <[u8; 16]>::try_from(bytes).map(|bytes| std::net::Ipv6Addr::from(bytes).to_string());
    v4.or(v6).unwrap_or_default()
}

fn public_key(lua: &Lua, (holder,): (Value,)) -> mlua::Result<Option<Key>> {
    let holder = of(lua, &holder)?;
    let holder = holder.borrow::<Holder>()?;
    let info = holder.certificate.tbs_certificate().subject_public_key_info().to_der();
    let Ok(der) = info else { return Ok(None) };
    Ok(read(&der, Format::Der, Wanted::Public, None).ok())
}

/// The signatures of certificates: name, digest, padding of RSA.
const SIGNATURES: [(&str, &str, Option<Algorithm>, Padding); 8] = [
    ("1.2.840.113549.1.1.5", "RSA-SHA1", Some(Algorithm::Sha1), Padding::Pkcs1),
    ("1.2.840.113549.1.1.11", "RSA-SHA256", Some(Algorithm::Sha256), Padding::Pkcs1),
    ("1.2.840.113549.1.1.12", "RSA-SHA384", Some(Algorithm::Sha384), Padding::Pkcs1),
    ("1.2.840.113549.1.1.13", "RSA-SHA512", Some(Algorithm::Sha512), Padding::Pkcs1),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256", Some(Algorithm::Sha256), Padding::Pkcs1),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384", Some(Algorithm::Sha384), Padding::Pkcs1),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512", Some(Algorithm::Sha512), Padding::Pkcs1),
    ("1.3.101.112", "ED25519", None, Padding::Pkcs1),
];

fn signature_of(certificate: &Certificate) -> Option<(&'static str, Option<Algorithm>, Padding)> {
    let id = certificate.signature_algorithm().oid.to_string();
    let known = SIGNATURES.iter().find(|(own, ..)| *own == id);
    known.map(|(_, name, algorithm, padding)| (*name, *algorithm, *padding))
}

/// Whether a key has signed the certificate.
fn verify(lua: &Lua, (holder, key): (Value, Value)) -> OrMessage<bool> {
    let (holder, key) = (of(lua, &holder)?, context::<Key>(lua, &key, "verify")?);
    let (holder, key) = (holder.borrow::<Holder>()?, key.borrow::<Key>()?);
    let certificate = &holder.certificate;
    let Some((_, algorithm, padding)) = signature_of(certificate) else {
        return Ok(Err("unsupported signature algorithm"));
    };
    let Ok(signed) = certificate.tbs_certificate().to_der() else {
        return Ok(Err("the certificate cannot be read"));
    };
    let mut signature = certificate.signature().raw_bytes().to_vec();
    if let Key::Ec(ec) = &*key {
        match signature_from_der(&signature, ec.curve().size()) {
            Some(raw) => signature = raw,
            None => return Ok(Ok(false)),
        }
    }
    check(lua, 0)?;
    let scheme = Scheme { algorithm, padding, mask: None, salt_len: None };
    let verified = key.verify(&signature, &signed, scheme);
    check(lua, 0)?;
    Ok(verified)
}

/// The digest of the certificate, or of its public key's bits.
fn digest(
    lua: &Lua,
    (holder, name, of_key): (Value, LuaString, bool),
) -> mlua::Result<Option<LuaString>> {
    let holder = of(lua, &holder)?;
    let holder = holder.borrow::<Holder>()?;
    let Some(algorithm) = hash::named(&name.as_bytes()) else { return Ok(None) };
    let info = holder.certificate.tbs_certificate().subject_public_key_info();
    let bytes = if of_key { info.subject_public_key.raw_bytes() } else { &holder.der };
    lua.create_string(algorithm.of(bytes)).map(Some)
}
