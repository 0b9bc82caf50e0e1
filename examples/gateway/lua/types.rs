//! The types of what functions have, for editors: the files of `types`, which are in the program.

use std::fs;
use std::io;
use std::path::Path;

use crate::terminal::say;

/// Where a project has the files.
const FOLDER: &str = ".types";

macro_rules! files {
    ($($path:literal)*) => { &[$(($path, include_str!(concat!("../../../types/", $path)))),*] };
}

/// The files, by their paths in `types`.
pub(crate) const FILES: &[(&str, &str)] = files! {
    "kong/cache.lua"
    "kong/client.lua"
    "kong/client_tls.lua"
    "kong/cluster_events.lua"
    "kong/configuration.lua"
    "kong/ctx.lua"
    "kong/kong.lua"
    "kong/log.lua"
    "kong/node.lua"
    "kong/request.lua"
    "kong/response.lua"
    "kong/router.lua"
    "kong/service.lua"
    "kong/service_request.lua"
    "kong/service_response.lua"
    "kong/table.lua"
    "kong/tracing.lua"
    "kong/vault.lua"
    "lua.lua"
    "modules/bit.lua"
    "modules/cjson.lua"
    "modules/cjson.safe.lua"
    "modules/kong.constants.lua"
    "modules/kong.meta.lua"
    "modules/kong.plugins.jwt.jwt_parser.lua"
    "modules/kong.resty.mlcache.lua"
    "modules/kong.tools.gzip.lua"
    "modules/kong.tools.http.lua"
    "modules/kong.tools.ip.lua"
    "modules/kong.tools.rand.lua"
    "modules/kong.tools.string.lua"
    "modules/kong.tools.table.lua"
    "modules/kong.tools.time.lua"
    "modules/kong.tools.utils.lua"
    "modules/kong.tools.uuid.lua"
    "modules/mime.lua"
    "modules/ngx.base64.lua"
    "modules/ngx.errlog.lua"
    "modules/ngx.pipe.lua"
    "modules/ngx.process.lua"
    "modules/ngx.re.lua"
    "modules/ngx.req.lua"
    "modules/ngx.resp.lua"
    "modules/ngx.semaphore.lua"
    "modules/ngx.ssl.lua"
    "modules/resty.aes.lua"
    "modules/resty.cookie.lua"
    "modules/resty.core.base.lua"
    "modules/resty.core.base64.lua"
    "modules/resty.core.hash.lua"
    "modules/resty.core.lua"
    "modules/resty.core.regex.lua"
    "modules/resty.core.request.lua"
    "modules/resty.core.response.lua"
    "modules/resty.core.shdict.lua"
    "modules/resty.core.time.lua"
    "modules/resty.core.uri.lua"
    "modules/resty.core.var.lua"
    "modules/resty.hmac.lua"
    "modules/resty.http.lua"
    "modules/resty.http_headers.lua"
    "modules/resty.ipmatcher.lua"
    "modules/resty.jit-uuid.lua"
    "modules/resty.jwt-validators.lua"
    "modules/resty.jwt.lua"
    "modules/resty.limit.conn.lua"
    "modules/resty.limit.count.lua"
    "modules/resty.limit.req.lua"
    "modules/resty.limit.traffic.lua"
    "modules/resty.lock.lua"
    "modules/resty.lrucache.lua"
    "modules/resty.lrucache.pureffi.lua"
    "modules/resty.md5.lua"
    "modules/resty.memcached.lua"
    "modules/resty.mlcache.ipc.lua"
    "modules/resty.mlcache.lua"
    "modules/resty.openssl.bn.lua"
    "modules/resty.openssl.cipher.lua"
    "modules/resty.openssl.digest.lua"
    "modules/resty.openssl.hmac.lua"
    "modules/resty.openssl.kdf.lua"
    "modules/resty.openssl.lua"
    "modules/resty.openssl.mac.lua"
    "modules/resty.openssl.pkey.lua"
    "modules/resty.openssl.rand.lua"
    "modules/resty.openssl.version.lua"
    "modules/resty.openssl.x509.lua"
    "modules/resty.random.lua"
    "modules/resty.redis.lua"
    "modules/resty.sha1.lua"
    "modules/resty.sha224.lua"
    "modules/resty.sha256.lua"
    "modules/resty.sha384.lua"
    "modules/resty.sha512.lua"
    "modules/resty.string.lua"
    "modules/socket.lua"
    "modules/socket.url.lua"
    "modules/string.buffer.lua"
    "modules/table.clear.lua"
    "modules/table.clone.lua"
    "modules/table.isarray.lua"
    "modules/table.isempty.lua"
    "modules/table.new.lua"
    "modules/table.nkeys.lua"
    "modules/tablepool.lua"
    "ngx/constants.lua"
    "ngx/ctx.lua"
    "ngx/ngx.lua"
    "ngx/re.lua"
    "ngx/req.lua"
    "ngx/resp.lua"
    "ngx/shared.lua"
    "ngx/socket.lua"
    "ngx/timer.lua"
    "ngx/var.lua"
};

/// The words of specs, which functions do not have.
const SPEC: (&str, &str) = ("spec.lua", include_str!("spec/types.lua"));

/// What editors read: that of `LuaLS`, and that of `EmmyLua`.
const SETTINGS: &[(&str, &str)] = &[
    (".luarc.json", include_str!("../../../types/luarc.json")),
    (".emmyrc.json", include_str!("../../../types/emmyrc.json")),
];

/// Writes the files into a project, and the settings of editors beside them. Settings that are there
/// already stay as they are.
pub(crate) fn write(project: &Path) -> io::Result<()> {
    let folder = project.join(FOLDER);
    for (path, text) in FILES.iter().chain([&SPEC]) {
        put(&folder.join(path), text)?;
    }
    say(format_args!("{}: {} files of types", folder.display(), FILES.len() + 1));
    for (name, text) in SETTINGS {
        let path = project.join(name);
        match fs::read_to_string(&path) {
            Ok(there) if there == *text => {}
            Ok(_) => {
                say(format_args!(
                    "{}: stays as it is; add \"{FOLDER}\" to its library",
                    path.display()
                ));
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => put(&path, text)?,
            Err(error) => return Err(about(&path, &error)),
        }
        say(format_args!("{}: the settings of an editor", path.display()));
    }
    Ok(())
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.map_err(|error| about(path, &error))
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
