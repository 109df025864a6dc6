/**
 * The helper as a service of the person's own account, started at login: what each system wants written, and the commands that
 * make it known. Pure: nothing is written or run here.
 *
 *   Linux    a systemd user unit    systemd.service(5), systemd.exec(5)
 *   macOS    a launchd agent        launchd.plist(5)
 *   Windows  a scheduled task       Task Scheduler schema 1.2
 *
 * The service shows no pairing code, which would end in a journal: "kernelfusion pair" does.
 */
import path from 'node:path';
import { KernelFusionError } from '../../shared/errors.ts';
import type { Directories } from './directories.ts';

export interface ServiceFacts {
  readonly platform: NodeJS.Platform;
  /** Absolute paths of Node and of the command line's script. */
  readonly node: string;
  readonly script: string;
  /** Arguments after the script: "serve" and its options. */
  readonly args: readonly string[];
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Name of the account; with its domain on Windows. */
  readonly user: string;
  readonly uid: number;
  readonly directories: Directories;
}

export type Command = readonly [program: string, ...args: string[]];

export interface Service {
  readonly file: string;
  readonly content: string;
  /** How the system wants the text written. */
  readonly encoding: 'utf8' | 'utf16le';
  /** How a person finds out why its helper does not run: the rest of a sentence. */
  readonly whyNot: string;
  /** Run after the file was written, where an earlier service may run: ends it. A failure means that there is none. */
  readonly end: readonly Command[];
  /** Run then: whatever ran before, the new service runs. */
  readonly start: readonly Command[];
  /** Run before the file is removed, and after. */
  readonly stop: readonly Command[];
  readonly forget: readonly Command[];
}

const NAME = 'kernelfusion';
const DESCRIPTION = 'KernelFusion helper: enlarges layers for browser panels on this computer';

/** Throws `SERVICE_FAILED` for other systems. */
export function describeService(facts: ServiceFacts): Service {
  if (facts.platform === 'linux') return systemdService(facts);
  if (facts.platform === 'darwin') return launchdService(facts);
  if (facts.platform === 'win32') return windowsService(facts);
  throw new KernelFusionError('SERVICE_FAILED', 'Services are known for Linux, macOS and Windows only.');
}

function systemdService({ node, script, args, home, env, directories }: ServiceFacts): Service {
  const xdg = env.XDG_CONFIG_HOME;
  const folder = xdg && path.posix.isAbsolute(xdg) ? xdg : path.posix.join(home, '.config');
  const unit = `${NAME}.service`;
  const content = `[Unit]
Description=${DESCRIPTION}

[Service]
Type=exec
ExecStart=${[systemdQuoted(node), ...[script, ...args].map(systemdArgument)].join(' ')}
${placesOf(env)
  .map((place) => `Environment=${systemdQuoted(place)}\n`)
  .join('')}UMask=0077
Restart=on-failure
RestartSec=5
# What a restart cannot mend: a bad option, a port that is taken.
RestartPreventExitStatus=2 8
TimeoutStopSec=10

# The helper needs its own files, the loopback interface and the processor, and nothing else.
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths=${[directories.config, directories.state].map(systemdQuoted).join(' ')}
IPAddressDeny=any
IPAddressAllow=localhost
RestrictAddressFamilies=AF_UNIX AF_INET
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`;
  return {
    file: path.posix.join(folder, 'systemd', 'user', unit),
    content,
    encoding: 'utf8',
    whyNot: `"journalctl --user --unit ${unit}" shows why`,
    end: [],
    start: [
      ['systemctl', '--user', 'daemon-reload'],
      ['systemctl', '--user', 'enable', unit],
      ['systemctl', '--user', 'restart', unit],
    ],
    stop: [['systemctl', '--user', 'disable', '--now', unit]],
    forget: [['systemctl', '--user', 'daemon-reload']],
  };
}

/** What decides where the helper keeps things (directories.ts), as settings: at login nobody else may set it. */
function placesOf(env: ServiceFacts['env']): string[] {
  const names = env.KERNELFUSION_HOME ? ['KERNELFUSION_HOME'] : ['XDG_CONFIG_HOME', 'XDG_STATE_HOME'];
  return names.filter((name) => path.posix.isAbsolute(env[name] ?? '')).map((name) => `${name}=${env[name]}`);
}

/** Between quotation marks, with "%" as itself. */
const systemdQuoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`;
/** In a command's arguments "$" is special as well, in its program it is not. */
const systemdArgument = (text: string) => systemdQuoted(text).replaceAll('$', '$$$$');

function launchdService({ node, script, args, home, env, uid, directories }: ServiceFacts): Service {
  const label = `${NAME}.helper`;
  const file = path.posix.join(home, 'Library', 'LaunchAgents', `${label}.plist`);
  const end: Command = ['launchctl', 'bootout', `gui/${uid}/${label}`];
  const own = env.KERNELFUSION_HOME;
  const text = (value: string) => `<string>${xml(value)}</string>`;
  const environment = own
    ? `  <key>EnvironmentVariables</key>\n  <dict>\n    <key>KERNELFUSION_HOME</key>\n    ${text(own)}\n  </dict>\n`
    : '';
  const content = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  ${text(label)}
  <key>ProgramArguments</key>
  <array>
${[node, script, ...args].map((arg) => `    ${text(arg)}\n`).join('')}  </array>
${environment}  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardErrorPath</key>
  ${text(path.posix.join(directories.state, 'helper.log'))}
</dict>
</plist>
`;
  return {
    file,
    content,
    encoding: 'utf8',
    whyNot: "helper.log in the helper's state folder says why",
    end: [end],
    start: [['launchctl', 'bootstrap', `gui/${uid}`, file]],
    stop: [end],
    forget: [],
  };
}

function windowsService({ node, script, args, user, directories }: ServiceFacts): Service {
  const task = 'KernelFusion';
  const file = path.win32.join(directories.config, 'service.xml');
  const end: Command = ['schtasks', '/End', '/TN', task];
  // Without a console of its own Node would open a window, and closing that would end the helper.
  const line = ['--headless', windowsArgument(node), windowsArgument(script), ...args.map(windowsArgument)].join(' ');
  const content = `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>${DESCRIPTION}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>${xml(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${xml(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>3</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>conhost.exe</Command>
      <Arguments>${xml(line)}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
  return {
    file,
    content,
    encoding: 'utf16le',
    whyNot: '"kernelfusion serve" shows why',
    end: [end],
    start: [
      ['schtasks', '/Create', '/TN', task, '/XML', file, '/F'],
      ['schtasks', '/Run', '/TN', task],
    ],
    stop: [end, ['schtasks', '/Delete', '/TN', task, '/F']],
    forget: [],
  };
}

/** A path holds no quotation marks there, and does not end in a backslash. */
const windowsArgument = (text: string) => (/[\s&^]/.test(text) ? `"${text}"` : text);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const xml = (text: string) => text.replace(/[&<>]/g, (character) => ENTITIES[character]);
