//! Walks one top-level statement: values that it refers to, modules that it asks for while it runs, calls that edge
//! refuses, reads of the environment. Every find carries the circumstances under which it runs.

use std::collections::{BTreeMap, BTreeSet};

use oxc_allocator::Vec as ArenaVec;
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::Span;

use super::absence::{Absence, Schema};
use super::module::{Asked, Circumstance, Doing, Edge, EnvUse, Module, Reading, Use};
use super::parse::{Lines, text_of};

/// Functions of `process`; edge throws when one is called.
const PROCESS_CALLS: &[&str] = &[
    "abort",
    "chdir",
    "cpuUsage",
    "cwd",
    "dlopen",
    "emitWarning",
    "exit",
    "getBuiltinModule",
    "getegid",
    "geteuid",
    "getgid",
    "getuid",
    "hrtime",
    "kill",
    "memoryUsage",
    "nextTick",
    "off",
    "on",
    "once",
    "resourceUsage",
    "umask",
    "uptime",
];
/// Values of `process`; edge has none of them.
const PROCESS_VALUES: &[&str] = &[
    "arch", "argv", "execArgv", "execPath", "pid", "platform", "ppid", "release", "title", "version",
    "versions",
];
/// Globals that edge has as throwing stubs (`EDGE_UNSUPPORTED_NODE_APIS` of Next.js 13.5 to 16).
const MISSING_GLOBALS: &[&str] = &[
    "BroadcastChannel",
    "ByteLengthQueuingStrategy",
    "CompressionStream",
    "CountQueuingStrategy",
    "DecompressionStream",
    "DomException",
    "MessageChannel",
    "MessageEvent",
    "MessagePort",
    "ReadableByteStreamController",
    "ReadableStreamBYOBRequest",
    "ReadableStreamDefaultController",
    "TransformStreamDefaultController",
    "WritableStreamDefaultController",
    "clearImmediate",
    "setImmediate",
];

/// All names that a file binds anywhere; a global of such a name may be shadowed.
pub fn bound_names(program: &Program<'_>) -> BTreeSet<String> {
    struct Names(BTreeSet<String>);
    impl<'a> Visit<'a> for Names {
        fn visit_binding_identifier(&mut self, it: &BindingIdentifier<'a>) {
            self.0.insert(it.name.to_string());
        }
    }
    let mut names = Names(BTreeSet::new());
    names.visit_program(program);
    names.0
}

/// Which runtime a test lets pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Node,
    Edge,
}

/// The walk over one statement.
pub struct Walk<'m, 't> {
    lines: &'m Lines<'t>,
    module: &'m mut Module,
    bound: &'m BTreeSet<String>,
    absence: &'m Absence,
    when: Circumstance,
    reading: Reading,
    /// The function that is called cannot do without its arguments.
    needing: bool,
    /// Names referred to as values.
    pub referred: BTreeSet<String>,
}

impl<'m, 't> Walk<'m, 't> {
    /// A walk that puts what it finds into `module`.
    pub fn new(
        lines: &'m Lines<'t>,
        module: &'m mut Module,
        bound: &'m BTreeSet<String>,
        absence: &'m Absence,
        when: Circumstance,
    ) -> Self {
        let (reading, referred) = (Reading::Plain, BTreeSet::new());
        Walk { lines, module, bound, absence, when, reading, needing: false, referred }
    }

    fn under(&mut self, change: impl FnOnce(&mut Circumstance), inner: impl FnOnce(&mut Self)) {
        let (before, reading) = (self.when, self.reading);
        change(&mut self.when);
        self.reading = Reading::Plain;
        inner(self);
        self.when = before;
        self.reading = reading;
    }

    fn read_as(&mut self, reading: Reading, inner: impl FnOnce(&mut Self)) {
        let before = self.reading;
        self.reading = reading;
        inner(self);
        self.reading = before;
    }

    fn edge(&mut self, specifier: String, span: Span, asked: Asked) {
        let place = self.lines.place(span);
        let (when, bindings) = (self.when, BTreeMap::new());
        self.module.edges.push(Edge { specifier, place, asked, when, bindings, bare: true });
    }

    fn doing(&mut self, doing: Doing, span: Span) {
        let place = self.lines.place(span);
        self.module.uses.push(Use { doing, place, when: self.when });
    }

    fn env(&mut self, key: Option<String>, span: Span, reading: Reading) {
        let place = self.lines.place(span);
        self.module.env.push(EnvUse { key, place, reading, when: self.when });
    }

    fn is_global(&self, expression: &Expression<'_>, name: &str) -> bool {
        matches!(expression, Expression::Identifier(id) if id.name.as_str() == name)
            && !self.bound.contains(name)
    }

    /// `process.env`.
    fn is_env(&self, expression: &Expression<'_>) -> bool {
        match expression.get_inner_expression() {
            Expression::StaticMemberExpression(it) => {
                it.property.name.as_str() == "env" && self.is_global(&it.object, "process")
            }
            _ => false,
        }
    }

    /// A read of a variable of the environment as it is, whatever is said of its type.
    fn is_read(&self, expression: &Expression<'_>) -> bool {
        match expression.get_inner_expression() {
            Expression::StaticMemberExpression(it) => self.is_env(&it.object),
            Expression::ComputedMemberExpression(it) => self.is_env(&it.object),
            _ => false,
        }
    }

    /// Visits what is put into something else.
    fn put(&mut self, expression: &Expression<'_>, inner: impl FnOnce(&mut Self)) {
        let reading = match self.is_read(expression) {
            true if self.reading == Reading::Plain => Reading::Passed,
            _ => self.reading,
        };
        self.read_as(reading, inner);
    }

    /// Visits a call with what is known of the function.
    fn calling(&mut self, needing: bool, inner: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.needing, needing);
        inner(self);
        self.needing = before;
    }

    /// What a callee names that edge refuses.
    fn refused(&self, callee: &Expression<'_>, new: bool) -> Option<Doing> {
        match callee {
            Expression::Identifier(id) => {
                let name = id.name.as_str();
                if self.bound.contains(name) {
                    None
                } else if name == "eval" && !new {
                    Some(Doing::DynamicCode("eval".to_owned()))
                } else if name == "Function" {
                    Some(Doing::DynamicCode("new Function".to_owned()))
                } else {
                    MISSING_GLOBALS.contains(&name).then(|| Doing::MissingGlobal(name.to_owned()))
                }
            }
            Expression::StaticMemberExpression(it) => {
                let name = it.property.name.as_str();
                if self.is_global(&it.object, "process") && PROCESS_CALLS.contains(&name) && !it.optional {
                    Some(Doing::ProcessCall(name.to_owned()))
                } else if self.is_global(&it.object, "WebAssembly") && name == "compile" {
                    Some(Doing::DynamicCode("WebAssembly.compile".to_owned()))
                } else {
                    None
                }
            }
            _ => None,
        }
    }

    /// The runtime that passes a test, where that can be told.
    fn side(&self, test: &Expression<'_>) -> Option<Side> {
        match test.get_inner_expression() {
            Expression::BinaryExpression(it) => {
                let equal = match it.operator.as_str() {
                    "===" | "==" => true,
                    "!==" | "!=" => false,
                    _ => return None,
                };
                let (subject, value) = match (text_of(&it.left), text_of(&it.right)) {
                    (None, Some(value)) => (&it.left, value),
                    (Some(value), None) => (&it.right, value),
                    _ => return None,
                };
                let edge = match subject.get_inner_expression() {
                    Expression::StaticMemberExpression(member)
                        if member.property.name.as_str() == "NEXT_RUNTIME" && self.is_env(&member.object) =>
                    {
                        match value.as_str() {
                            "nodejs" => false,
                            "edge" => true,
                            _ => return None,
                        }
                    }
                    Expression::UnaryExpression(of)
                        if of.operator.as_str() == "typeof"
                            && self.is_global(&of.argument, "EdgeRuntime") =>
                    {
                        value != "undefined"
                    }
                    _ => return None,
                };
                Some(if edge == equal { Side::Edge } else { Side::Node })
            }
            Expression::LogicalExpression(it) if it.operator.as_str() == "&&" => {
                self.side(&it.left).or_else(|| self.side(&it.right))
            }
            _ => None,
        }
    }

    /// One branch of a test; `side` is the runtime that comes here.
    fn branch(&mut self, side: Option<Side>, inner: impl FnOnce(&mut Self)) {
        self.under(
            |when| match side {
                Some(Side::Node) => when.node_only = true,
                Some(Side::Edge) => {}
                None => when.guarded = true,
            },
            inner,
        );
    }
}

/// The runtime of the `else` branch; a test with `&&` says nothing about it.
fn otherwise(test: &Expression<'_>, side: Option<Side>) -> Option<Side> {
    match (test.get_inner_expression(), side) {
        (Expression::BinaryExpression(_), Some(Side::Node)) => Some(Side::Edge),
        (Expression::BinaryExpression(_), Some(Side::Edge)) => Some(Side::Node),
        _ => None,
    }
}

/// How a value is read that is said to be there.
fn asserted(reading: Reading) -> Reading {
    if matches!(reading, Reading::Plain | Reading::Passed) { Reading::Asserted } else { reading }
}

/// Functions that throw when what they are given is not there.
fn is_needing(callee: &Expression<'_>) -> bool {
    const NEEDING: &[&str] =
        &["createHmac", "fetch", "importKey", "jwtVerify", "neon", "postgres", "sign", "verify"];
    match callee {
        Expression::Identifier(id) => NEEDING.contains(&id.name.as_str()),
        Expression::StaticMemberExpression(it) => {
            let name = it.property.name.as_str();
            let of_buffer = matches!(&it.object, Expression::Identifier(id) if id.name.as_str() == "Buffer");
            NEEDING.contains(&name) || (name == "from" && of_buffer)
        }
        _ => false,
    }
}

fn leaves(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::ReturnStatement(_) | Statement::ThrowStatement(_) => true,
        Statement::BlockStatement(block) => block.body.last().is_some_and(leaves),
        _ => false,
    }
}

impl<'a> Visit<'a> for Walk<'_, '_> {
    fn visit_ts_type(&mut self, _: &TSType<'a>) {}
    fn visit_ts_type_annotation(&mut self, _: &TSTypeAnnotation<'a>) {}
    fn visit_ts_type_alias_declaration(&mut self, _: &TSTypeAliasDeclaration<'a>) {}
    fn visit_ts_interface_declaration(&mut self, _: &TSInterfaceDeclaration<'a>) {}
    fn visit_ts_class_implements_list(&mut self, _: &ArenaVec<'a, TSClassImplements<'a>>) {}
    fn visit_import_declaration(&mut self, _: &ImportDeclaration<'a>) {}
    fn visit_export_named_declaration(&mut self, _: &ExportNamedDeclaration<'a>) {}
    fn visit_export_from_declaration(&mut self, _: &ExportFromDeclaration<'a>) {}

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.referred.insert(it.name.to_string());
    }

    fn visit_function_body(&mut self, it: &FunctionBody<'a>) {
        self.under(|when| when.depth += 1, |walk| walk::walk_function_body(walk, it));
    }

    fn visit_arrow_function_body(&mut self, it: &ArrowFunctionBody<'a>) {
        match it {
            ArrowFunctionBody::FunctionBody(body) => self.visit_function_body(body),
            _ => self.under(|when| when.depth += 1, |walk| walk::walk_arrow_function_body(walk, it)),
        }
    }

    fn visit_statements(&mut self, it: &ArenaVec<'a, Statement<'a>>) {
        let before = self.when;
        for statement in it {
            self.visit_statement(statement);
            if let Statement::IfStatement(one) = statement
                && one.alternate.is_none()
                && leaves(&one.consequent)
            {
                // After `if (edge) return`, only Node.js goes on; after another early return, anything may.
                let test = one.test.get_inner_expression();
                if otherwise(test, self.side(test)) == Some(Side::Node) {
                    self.when.node_only = true;
                }
            }
        }
        self.when = before;
    }

    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        self.read_as(Reading::Tested, |walk| walk.visit_expression(&it.test));
        let side = self.side(&it.test);
        self.branch(side, |walk| walk.visit_statement(&it.consequent));
        if let Some(alternate) = &it.alternate {
            self.branch(otherwise(&it.test, side), |walk| walk.visit_statement(alternate));
        }
    }

    fn visit_conditional_expression(&mut self, it: &ConditionalExpression<'a>) {
        self.read_as(Reading::Tested, |walk| walk.visit_expression(&it.test));
        let side = self.side(&it.test);
        self.branch(side, |walk| walk.visit_expression(&it.consequent));
        self.branch(otherwise(&it.test, side), |walk| walk.visit_expression(&it.alternate));
    }

    fn visit_logical_expression(&mut self, it: &LogicalExpression<'a>) {
        match it.operator.as_str() {
            "&&" => {
                self.read_as(Reading::Tested, |walk| walk.visit_expression(&it.left));
                let side = self.side(&it.left);
                self.branch(side, |walk| walk.visit_expression(&it.right));
            }
            _ => {
                self.read_as(Reading::Fallback, |walk| walk.visit_expression(&it.left));
                self.branch(otherwise(&it.left, self.side(&it.left)), |walk| {
                    walk.visit_expression(&it.right)
                });
            }
        }
    }

    fn visit_try_statement(&mut self, it: &TryStatement<'a>) {
        self.under(|when| when.guarded = true, |walk| walk::walk_try_statement(walk, it));
    }

    fn visit_switch_case(&mut self, it: &SwitchCase<'a>) {
        self.under(|when| when.guarded = true, |walk| walk::walk_switch_case(walk, it));
    }

    fn visit_unary_expression(&mut self, it: &UnaryExpression<'a>) {
        // `typeof process.cwd` and `!process.env.X` do not use what they name.
        self.read_as(Reading::Tested, |walk| walk::walk_unary_expression(walk, it));
    }

    fn visit_binary_expression(&mut self, it: &BinaryExpression<'a>) {
        let tests = it.operator.is_equality() || it.operator.is_compare() || it.operator.as_str() == "in";
        let reading = if tests { Reading::Tested } else { self.reading };
        self.read_as(reading, |walk| walk::walk_binary_expression(walk, it));
    }

    fn visit_ts_non_null_expression(&mut self, it: &TSNonNullExpression<'a>) {
        let reading = asserted(self.reading);
        self.read_as(reading, |walk| walk::walk_ts_non_null_expression(walk, it));
    }

    fn visit_ts_as_expression(&mut self, it: &TSAsExpression<'a>) {
        let says = matches!(it.type_annotation, TSType::TSStringKeyword(_)) && self.is_read(&it.expression);
        let reading = if says { asserted(self.reading) } else { self.reading };
        self.read_as(reading, |walk| walk::walk_ts_as_expression(walk, it));
    }

    fn visit_object_property(&mut self, it: &ObjectProperty<'a>) {
        let key = it.key.static_name();
        match key.map_or(Schema::Silent, |key| self.absence.schema(&key)) {
            _ if !self.is_read(&it.value) => walk::walk_object_property(self, it),
            Schema::Optional => self.read_as(Reading::Fallback, |walk| walk::walk_object_property(walk, it)),
            Schema::Required => walk::walk_object_property(self, it),
            Schema::Silent => self.put(&it.value, |walk| walk::walk_object_property(walk, it)),
        }
    }

    fn visit_array_expression_element(&mut self, it: &ArrayExpressionElement<'a>) {
        match it.as_expression() {
            Some(one) => self.put(one, |walk| walk::walk_array_expression_element(walk, it)),
            None => walk::walk_array_expression_element(self, it),
        }
    }

    fn visit_jsx_expression_container(&mut self, it: &JSXExpressionContainer<'a>) {
        match it.expression.as_expression() {
            Some(one) => self.put(one, |walk| walk::walk_jsx_expression_container(walk, it)),
            None => walk::walk_jsx_expression_container(self, it),
        }
    }

    fn visit_template_literal(&mut self, it: &TemplateLiteral<'a>) {
        self.read_as(Reading::Hidden, |walk| walk::walk_template_literal(walk, it));
    }

    fn visit_arguments(&mut self, it: &ArenaVec<'a, Argument<'a>>) {
        let needing = self.needing;
        for argument in it {
            let passed = !needing && argument.as_expression().is_some_and(|one| self.is_read(one));
            let reading = if passed { Reading::Passed } else { Reading::Plain };
            self.read_as(reading, |walk| walk.visit_argument(argument));
        }
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        if let Some(specifier) = text_of(&it.source) {
            self.edge(specifier, it.span, Asked::Dynamic);
        }
        walk::walk_import_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        if self.is_global(&it.callee, "require")
            && let [argument] = it.arguments.as_slice()
            && let Some(specifier) = argument.as_expression().and_then(text_of)
        {
            self.edge(specifier, it.span, Asked::Require);
        }
        // `import('x').catch(…)`: the failure is caught.
        if let Expression::StaticMemberExpression(member) = &it.callee
            && member.property.name.as_str() == "catch"
        {
            self.under(
                |when| when.guarded = true,
                |walk| walk.calling(false, |walk| walk::walk_call_expression(walk, it)),
            );
            return;
        }
        if let Some(doing) = self.refused(&it.callee, false)
            && !it.optional
        {
            self.doing(doing, it.span);
        }
        self.calling(is_needing(&it.callee), |walk| walk::walk_call_expression(walk, it));
    }

    fn visit_new_expression(&mut self, it: &NewExpression<'a>) {
        if let Some(doing) = self.refused(&it.callee, true) {
            self.doing(doing, it.span);
        }
        // `new URL(undefined)`, `new Stripe(undefined)`: most throw.
        self.calling(true, |walk| walk::walk_new_expression(walk, it));
    }

    fn visit_static_member_expression(&mut self, it: &StaticMemberExpression<'a>) {
        let name = it.property.name.as_str();
        if self.is_env(&it.object) {
            let reading = self.reading;
            self.env(Some(name.to_owned()), it.span, reading);
        } else if self.is_global(&it.object, "process")
            && PROCESS_VALUES.contains(&name)
            && self.reading == Reading::Plain
        {
            self.doing(Doing::ProcessValue(name.to_owned()), it.span);
        }
        let reading = match (it.optional, self.reading) {
            (true, Reading::Plain) => Reading::Hidden,
            (_, reading) => reading,
        };
        self.read_as(reading, |walk| walk::walk_static_member_expression(walk, it));
    }

    fn visit_computed_member_expression(&mut self, it: &ComputedMemberExpression<'a>) {
        if self.is_env(&it.object) {
            let reading = self.reading;
            self.env(text_of(&it.expression), it.span, reading);
        }
        walk::walk_computed_member_expression(self, it);
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let (BindingPattern::ObjectPattern(pattern), Some(init)) = (&it.id, &it.init)
            && self.is_env(init)
        {
            for property in &pattern.properties {
                let reading = match &property.value {
                    BindingPattern::AssignmentPattern(_) => Reading::Fallback,
                    BindingPattern::BindingIdentifier(id) if self.absence.is_provided_for(&id.name) => {
                        Reading::Tested
                    }
                    _ => Reading::Plain,
                };
                if let Some(key) = property.key.static_name() {
                    self.env(Some(key.to_string()), property.span, reading);
                }
            }
        }
        let provided = match (&it.id, &it.init) {
            (BindingPattern::BindingIdentifier(id), Some(init)) => {
                self.is_read(init) && self.absence.is_provided_for(&id.name)
            }
            _ => false,
        };
        let reading = if provided { Reading::Tested } else { self.reading };
        self.read_as(reading, |walk| walk::walk_variable_declarator(walk, it));
    }
}
