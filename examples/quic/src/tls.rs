//! What both ends agree on, and a certificate that is made at the start.

use anyhow::Result;
use boring::asn1::{Asn1Integer, Asn1Time};
use boring::bn::BigNum;
use boring::ec::{EcGroup, EcKey};
use boring::hash::MessageDigest;
use boring::nid::Nid;
use boring::pkey::{PKey, Private};
use boring::ssl::{SslContextBuilder, SslMethod};
use boring::x509::{X509, X509NameBuilder};
use quiche::Config;

/// What the client is told. It takes any certificate: there is nobody else here.
pub fn client() -> Result<Config> {
    let mut config = Config::new(quiche::PROTOCOL_VERSION)?;
    config.verify_peer(false);
    with_limits(config)
}

/// What the server is told.
pub fn server() -> Result<Config> {
    let (key, certificate) = certificate()?;
    let mut tls = SslContextBuilder::new(SslMethod::tls())?;
    tls.set_private_key(&key)?;
    tls.set_certificate(&certificate)?;
    with_limits(Config::with_boring_ssl_ctx_builder(quiche::PROTOCOL_VERSION, tls)?)
}

fn with_limits(mut config: Config) -> Result<Config> {
    config.set_application_protos(&[b"pages"])?;
    config.set_initial_max_data(1 << 20);
    config.set_initial_max_stream_data_bidi_local(1 << 20);
    config.set_initial_max_stream_data_bidi_remote(1 << 20);
    config.set_initial_max_streams_bidi(1);
    config.enable_dgram(true, 1000, 1000);
    Ok(config)
}

/// Signed by itself, for a day.
fn certificate() -> Result<(PKey<Private>, X509)> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", "localhost")?;
    let name = name.build();
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_serial_number(&*Asn1Integer::from_bn(&*BigNum::from_u32(1)?)?)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    certificate.set_not_after(&*Asn1Time::days_from_now(1)?)?;
    certificate.set_pubkey(&key)?;
    certificate.sign(&key, MessageDigest::sha256())?;
    Ok((key, certificate.build()))
}
